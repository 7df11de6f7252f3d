// The DaemonSet process: flags → parts → run → await shutdown. The only file of the agent that reads argv and exits.
import { startAgent } from './agent.ts';
import { AGENT_FLAGS, readAgentFlags } from './flags.ts';
import type { CapabilityState } from './metrics.ts';
import { CodedError } from './runtime/coded-error.ts';
import { describeFlags } from './runtime/flag-table.ts';
import { createLogger } from './runtime/logger.ts';
import type { Logger, LogLevel } from './runtime/logger.ts';
import { createShutdown } from './runtime/shutdown.ts';

async function main(): Promise<void> {
  const flags = readAgentFlags(process.argv.slice(2));
  if (flags.help) {
    process.stdout.write(`Headroom node agent\n\n${describeFlags(AGENT_FLAGS)}\n`);
    return;
  }
  const log = createLogger('agent', flags['log-level'] as LogLevel, { node: flags['node-name'] ?? '' });
  const shutdown = createShutdown(log);
  const agent = await startAgent(flags, log);
  shutdown.onClose('agent', () => agent.close());
  log.info(
    { ports: { health: agent.port, debug: agent.debugPort }, aggregators: flags.aggregator.length },
    'listening',
  );
  warnOfMissing(agent.capabilities(), log);
  await shutdown.done;
}

/** One line a cause: an addon that is not built is one thing to do, however many hooks it would bring. */
function warnOfMissing(capabilities: readonly CapabilityState[], log: Logger): void {
  const byCause = new Map<string, string[]>();
  for (const { name, available, cause, shared = cause } of capabilities) {
    if (!available) byCause.set(shared, [...(byCause.get(shared) ?? []), name]);
  }
  for (const [reason, missing] of byCause) log.warn({ capabilities: missing, reason }, 'capability missing');
}

try {
  await main();
  process.exit(0);
} catch (err) {
  if (!(err instanceof CodedError)) throw err;
  process.stderr.write(`headroom-agent: ${err.message}\n`);
  process.exit(2);
}
