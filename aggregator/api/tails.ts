// Tails by the names of their containers: thousands of pods of one workload share one.
import type { ItemTail } from '../store/views.ts';

/** Workloads of a large cluster; above it all are made anew. */
const MAX_TAILS = 20_000;

export interface Tails {
  of(names: readonly string[]): ItemTail;
}

export function createTails(make: (names: readonly string[]) => ItemTail): Tails {
  const tails = new Map<string, ItemTail>();
  return {
    of(names) {
      const key = JSON.stringify(names);
      const known = tails.get(key);
      if (known) return known;
      if (tails.size >= MAX_TAILS) tails.clear();
      const made = make(names);
      tails.set(key, made);
      return made;
    },
  };
}
