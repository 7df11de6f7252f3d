// The collector asked for by name. A body that is read leaves thousands of buffers behind whose JavaScript side is tiny: V8 counts that
// side only and would let tens of MiB pile up before it looks, which the allocator then never gives back whole.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Collector {
  /** What is young: a millisecond. */
  young(): void;
  /** Everything, moved together: some hundred milliseconds in which nothing else happens. */
  whole(): void;
  /** From now on rather more work than more memory. */
  save(): void;
}

type Collect = (options: { readonly type: 'minor' | 'major'; readonly flavor?: 'last-resort' }) => void;

/**
 * What V8's `--expose-gc` does, but set for this moment only: while it is set V8 compiles all that is loaded of Node itself anew, because
 * what Node keeps compiled is kept for the flags that Node is built with (a fifth of a start).
 */
export function exposeCollector(): void {
  if (globalThis.gc) return;
  setFlagsFromString('--expose-gc');
  // A context has it that is made while the flag is set.
  globalThis.gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  setFlagsFromString('--no-expose-gc');
}

/** Does nothing where the collector was not exposed. */
export function exposedCollector(): Collector {
  const { gc } = globalThis as { readonly gc?: Collect };
  return {
    young: () => gc?.({ type: 'minor' }),
    whole: () => gc?.({ type: 'major', flavor: 'last-resort' }),
    save: () => {
      // V8 12 and later; unknown to others, which then go on as they are. While listing it would cost a third more CPU.
      if (gc && Number(process.versions.v8.split('.', 1)[0]) >= 12) setFlagsFromString('--memory-saver-mode');
    },
  };
}

/**
 * A check of readiness that collects everything once, when it and `others` first hold: what starting left behind goes back to the
 * system, and the pause comes before anything is served.
 */
export function collectedOnce(
  problem: () => string | undefined,
  others: () => boolean,
  collector = exposedCollector(),
): () => string | undefined {
  let isCollected = false;
  return () => {
    const found = problem();
    if (found === undefined && !isCollected && others()) {
      isCollected = true;
      collector.save();
      collector.whole();
    }
    return found;
  };
}
