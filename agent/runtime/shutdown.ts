// A process ends in the reverse order of its start: each part registers how it closes, a signal runs them all once. More signals change
// nothing: Ctrl-C under npm comes twice, from the terminal and from npm, and what was begun must come to its end.
import type { Logger } from './logger.ts';

export interface Shutdown {
  /** Runs `close` at the end, before everything registered earlier. */
  onClose(name: string, close: () => void | Promise<void>): void;
  /** Starts the end; safe to call more than once. */
  begin(reason: string): void;
  /** Resolves when every part has closed or the deadline has passed. */
  readonly done: Promise<void>;
}

/** How long all parts together may take to close, ms. */
const DEADLINE_MS = 10_000;

/** @param signals SIGTERM and SIGINT unless a test gives none */
export function createShutdown(
  log: Logger,
  signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'],
  deadlineMs: number = DEADLINE_MS,
): Shutdown {
  const closers: { name: string; close: () => void | Promise<void> }[] = [];
  let begun = false;
  let finish: () => void;
  const done = new Promise<void>((resolve) => {
    finish = () => {
      for (const signal of signals) process.off(signal, begin);
      resolve();
    };
  });
  function begin(reason: string): void {
    if (begun) return;
    begun = true;
    log.info({ reason }, 'shutting down');
    const deadline = setTimeout(() => {
      log.error({ durationMs: deadlineMs }, 'shutdown deadline passed');
      finish();
    }, deadlineMs);
    void closeAll(closers, log).then(() => {
      clearTimeout(deadline);
      finish();
    });
  }
  for (const signal of signals) process.on(signal, begin);
  return { onClose: (name, close) => void closers.push({ name, close }), begin, done };
}

async function closeAll(closers: { name: string; close: () => void | Promise<void> }[], log: Logger): Promise<void> {
  for (const { name, close } of closers.toReversed()) {
    try {
      await close();
    } catch (err) {
      log.warn({ err, part: name }, 'part did not close cleanly');
    }
  }
}
