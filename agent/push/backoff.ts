// Exponential back-off with full jitter: many agents that lost the same aggregator come back spread out.

const FIRST_MS = 1000;
const CAP_MS = 30_000;
/** Never at once: a refusal that costs nothing to give must not be asked for in a loop. */
const FLOOR_MS = 100;

/** @param failures in a row, 1 or more @param random 0..1 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return FLOOR_MS + random * (ceiling - FLOOR_MS);
}

/** The interval, give or take 10 %: agents started together don't push together. */
export function jitteredMs(intervalMs: number, random: number): number {
  return intervalMs * (0.9 + 0.2 * random);
}
