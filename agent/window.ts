// CPU usage as a rate over the window, from the ring, by CLOCK_BOOTTIME: the wall clock has no part in it.
import type { Ring } from './ring.ts';

/** A rate over less than this is noise; a 1 s tick may come a little early. */
const MIN_WINDOW_MS = 950;
/** A slot this much older than the window still opens it, so that 15 s means 15 slots despite a tick's jitter. */
const TOLERANCE_MS = 500;

export interface WindowUsage {
  readonly windowUs: number;
  readonly cpuUs: number;
}

/**
 * CPU time used over the last `windowMs` up to the newest slot, or since the series' start while that is younger.
 * After a gap longer than the window the two newest slots count, and `windowUs` says how long that was.
 * @returns undefined while two readings at least 0.95 s apart are missing
 */
export function usageOver(ring: Ring, windowMs: number): WindowUsage | undefined {
  const newestMs = ring.atBootMs(0);
  const newestCpuUs = ring.cpuUsageUs(0);
  if (!Number.isFinite(newestCpuUs)) return undefined;
  const opensMs = newestMs - windowMs - TOLERANCE_MS;
  let usage: WindowUsage | undefined;
  for (let age = 1; age < ring.length; age++) {
    const atMs = ring.atBootMs(age);
    if (usage !== undefined && atMs < opensMs) break;
    const cpuUs = newestCpuUs - ring.cpuUsageUs(age);
    const spanMs = newestMs - atMs;
    if (cpuUs >= 0 && spanMs >= MIN_WINDOW_MS) usage = { windowUs: Math.round(spanMs * 1000), cpuUs };
  }
  return usage;
}
