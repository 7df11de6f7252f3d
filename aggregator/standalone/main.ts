// The cluster of one, `npm start`: flags → API, kubelet, both roles, demo → run until a signal. The only file here that reads argv and exits.
import { CodedError } from '../../agent/runtime/coded-error.ts';
import { describeFlags } from '../../agent/runtime/flag-table.ts';
import type { LogLevel } from '../../agent/runtime/logger.ts';
import { createLogger, silentLogger } from '../../agent/runtime/logger.ts';
import type { Shutdown } from '../../agent/runtime/shutdown.ts';
import { createShutdown } from '../../agent/runtime/shutdown.ts';
import { announcement } from './announce.ts';
import type { StandaloneFlags } from './flags.ts';
import { readStandaloneFlags, STANDALONE_FLAGS } from './flags.ts';
import { launch } from './launcher.ts';
import { startView } from './view.ts';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

async function main(): Promise<void> {
  const flags = readStandaloneFlags(process.argv.slice(2));
  if (flags.help) {
    process.stdout.write(`Headroom, a cluster of one\n\n${describeFlags(STANDALONE_FLAGS)}\n`);
    return;
  }
  const view = !flags['no-view'] && (flags.view === 'on' || (flags.view === 'auto' && process.stdout.isTTY));
  const log = view ? silentLogger : createLogger('standalone', flags['log-level'] as LogLevel);
  const shutdown = createShutdown(log, SIGNALS);
  let interrupted = false;
  for (const signal of SIGNALS) process.once(signal, () => (interrupted = true));
  try {
    await start(flags, view, shutdown);
  } catch (error) {
    shutdown.begin('start failed');
    await shutdown.done;
    // Whatever a part says when a signal takes it away in the middle of the start is no failure.
    if (!interrupted) throw error;
  }
  await shutdown.done;

  async function start(flags: StandaloneFlags, view: boolean, shutdown: Shutdown): Promise<void> {
    const launched = await launch(
      flags,
      log,
      shutdown,
      () => interrupted,
      (_role, line, stream) => view || forward(line, stream),
    );
    const lines = announcement(launched, flags.demo);
    // Before the view takes the screen and after it has left it, so that the line can be copied.
    process.stdout.write(`${lines.join('\n')}\n`);
    if (view) {
      const { store, apiUrl, pki } = launched;
      shutdown.onClose(
        'view',
        startView({ store, apiUrl, ca: pki.ca, admin: pki.admin, out: process.stdout, head: lines }),
      );
    }
    if (flags.duration !== undefined) setTimeout(() => shutdown.begin('duration is over'), flags.duration).unref();
  }
}

function forward(line: string, stream: 'stdout' | 'stderr'): void {
  process[stream].write(`${line}\n`);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  process.stderr.write(`headroom: ${(error as Error).message}\n`);
  if (!(error instanceof CodedError)) process.stderr.write(`${(error as Error).stack ?? ''}\n`);
  process.exit(error instanceof CodedError ? 2 : 1);
}
