// One run of the cluster of one: everything is brought up, announced and shown, until a signal or the end of its duration.
import type { LogLevel } from '../../agent/runtime/logger.ts';
import { createLogger, silentLogger } from '../../agent/runtime/logger.ts';
import type { Shutdown } from '../../agent/runtime/shutdown.ts';
import { createShutdown } from '../../agent/runtime/shutdown.ts';
import { announcement, viewHead } from './announce.ts';
import type { StandaloneFlags } from './flags.ts';
import { launch } from './launcher.ts';
import { startView } from './view.ts';

export interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * Resolves when everything that was made is removed again.
 * @param runtimeFolder $XDG_RUNTIME_DIR, or '' where it is not set
 * @throws CodedError, or an Error that tells what a role said at its end
 */
export async function runStandalone(flags: StandaloneFlags, terminal: Terminal, runtimeFolder: string): Promise<void> {
  const view = !flags['no-view'] && (flags.view === 'on' || (flags.view === 'auto' && terminal.stdout.isTTY));
  const log = view ? silentLogger : createLogger('standalone', flags['log-level'] as LogLevel);
  const shutdown = createShutdown(log, SIGNALS);
  let interrupted = false;
  for (const signal of SIGNALS) process.once(signal, () => (interrupted = true));
  // A bug in one request or timer, or a terminal that went away, must not leave processes and cgroups behind.
  let uncaught: unknown;
  const onUncaught = (error: unknown): void => {
    uncaught ??= error;
    interrupted = true;
    shutdown.begin('uncaught exception');
  };
  process.on('uncaughtException', onUncaught);
  try {
    const forward = (line: string, stream: 'stdout' | 'stderr'): void => void terminal[stream].write(`${line}\n`);
    const launched = await launch(
      flags,
      log,
      shutdown,
      () => interrupted,
      (_role, line, stream) => view || forward(line, stream),
      runtimeFolder,
    );
    show(launched, flags, view, terminal, shutdown);
  } catch (error) {
    shutdown.begin('start failed');
    await shutdown.done;
    // Whatever a part says when a signal takes it away in the middle of the start is no failure.
    if (!interrupted) throw error;
  }
  await shutdown.done;
  process.off('uncaughtException', onUncaught);
  if (uncaught !== undefined) throw uncaught;
}

function show(
  launched: Awaited<ReturnType<typeof launch>>,
  flags: StandaloneFlags,
  view: boolean,
  { stdout }: Terminal,
  shutdown: Shutdown,
): void {
  const lines = announcement(launched, flags.demo);
  // Before the view takes the screen and after it has left it, so that the line can be copied.
  stdout.write(`${lines.join('\n')}\n`);
  if (view) {
    const { store, apiUrl, pki } = launched;
    const stop = startView({ store, apiUrl, ca: pki.ca, admin: pki.admin, out: stdout, head: viewHead(launched) });
    shutdown.onClose('view', stop);
  }
  if (flags.duration !== undefined) setTimeout(() => shutdown.begin('duration is over'), flags.duration).unref();
}
