// The cluster of one, `npm start`: flags → run → exit. The only file here that reads argv and the environment, and exits.
import { CodedError } from '../../agent/runtime/coded-error.ts';
import { describeFlags } from '../../agent/runtime/flag-table.ts';
import { readStandaloneFlags, STANDALONE_FLAGS } from './flags.ts';
import { runStandalone } from './run.ts';

async function main(): Promise<void> {
  const flags = readStandaloneFlags(process.argv.slice(2));
  if (flags.help) process.stdout.write(`Headroom, a cluster of one\n\n${describeFlags(STANDALONE_FLAGS)}\n`);
  else await runStandalone(flags, process, process.env['XDG_RUNTIME_DIR'] ?? '');
}

try {
  await main();
  process.exit(0);
} catch (error) {
  process.stderr.write(`headroom: ${(error as Error).message}\n`);
  if (!(error instanceof CodedError)) process.stderr.write(`${(error as Error).stack ?? ''}\n`);
  process.exit(error instanceof CodedError ? 2 : 1);
}
