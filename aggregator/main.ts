// The Deployment process: flags → parts → run → await shutdown. The only file of the aggregator that reads argv and exits.
import { CodedError } from '../agent/runtime/coded-error.ts';
import { describeFlags } from '../agent/runtime/flag-table.ts';
import { createLogger } from '../agent/runtime/logger.ts';
import type { LogLevel } from '../agent/runtime/logger.ts';
import { createShutdown } from '../agent/runtime/shutdown.ts';
import { AGGREGATOR_FLAGS, readAggregatorFlags } from './flags.ts';
import { exposeCollector } from './kube/collect.ts';
import { readVersion } from './version.ts';
import { startAggregator } from './wiring.ts';

async function main(): Promise<void> {
  const flags = readAggregatorFlags(process.argv.slice(2));
  if (flags === 'help') {
    process.stdout.write(`Headroom aggregator ${readVersion()}\n\n${describeFlags(AGGREGATOR_FLAGS)}\n`);
    return;
  }
  if (flags === 'version') {
    process.stdout.write(`${readVersion()}\n`);
    return;
  }
  exposeCollector();
  const log = createLogger('aggregator', flags['log-level'] as LogLevel);
  const shutdown = createShutdown(log);
  const ports = await startAggregator(flags, { log, shutdown, version: readVersion(), environment: process.env });
  log.info({ ports, resize: flags.resize }, 'listening');
  await shutdown.done;
}

try {
  await main();
  process.exit(0);
} catch (err) {
  if (!(err instanceof CodedError)) throw err;
  process.stderr.write(`headroom-aggregator: ${err.message}\n`);
  process.exit(2);
}
