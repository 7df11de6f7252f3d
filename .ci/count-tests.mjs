// Counts of one vitest run for .ci/run: `node .ci/count-tests.mjs REPORT STATUS` prints "passed failed skipped".
// A run that failed without a failed test (a file that does not load, an unhandled error, a hook) counts as one failure at least.
import { readFileSync } from 'node:fs';

const [file, status] = process.argv.slice(2);
const report = read(file);
if (report === undefined) process.exit(1);

const brokenFiles = report.testResults.filter(
  (each) => each.status === 'failed' && !each.assertionResults.some((test) => test.status === 'failed'),
).length;
let failed = report.numFailedTests + brokenFiles;
if (failed === 0 && (status !== '0' || report.success !== true || report.numTotalTests === 0)) failed = 1;
const skipped = report.numPendingTests + report.numTodoTests;
process.stdout.write(`${report.numPassedTests} ${failed} ${skipped}\n`);

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
