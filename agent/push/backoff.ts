// Exponential back-off with full jitter: many agents that lost the same aggregator come back spread out.

const FIRST_MS = 1000;
const CAP_MS = 30_000;
/** Never at once: a refusal that costs nothing to give must not be asked for in a loop. */
const FLOOR_MS = 100;
/** A timer may come this part of an interval early. */
const SAME_BEAT = 0.1;

/** @param failures in a row, 1 or more @param random 0..1 */
export function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return FLOOR_MS + random * (ceiling - FLOOR_MS);
}

/** Until the next of the instants `phaseMs`, `phaseMs` + `intervalMs`, …; never at once, so that a beat is not taken twice. */
export function untilBeatMs(nowMs: number, intervalMs: number, phaseMs: number): number {
  const beat = Math.floor((nowMs - phaseMs) / intervalMs + SAME_BEAT) + 1;
  return phaseMs + beat * intervalMs - nowMs;
}

/** The interval, give or take 10 %: agents started together don't push together. */
export function jitteredMs(intervalMs: number, random: number): number {
  return intervalMs * (0.9 + 0.2 * random);
}
