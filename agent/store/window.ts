// CPU usage as a rate over the window, from the ring, by CLOCK_BOOTTIME: the wall clock has no part in it.
import type { Ring } from './ring.ts';
import { TICK_MS } from '../tick.ts';

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
  const opens = oldestSince(ring, newestMs - windowMs - TOLERANCE_MS, Math.ceil(windowMs / TICK_MS));
  for (let age = opens; age > 0; age--) {
    const usage = usageSince(ring, age, newestMs, newestCpuUs);
    if (usage) return usage;
  }
  for (let age = opens + 1; age < ring.length; age++) {
    const usage = usageSince(ring, age, newestMs, newestCpuUs);
    if (usage) return usage;
  }
  return undefined;
}

/** Age of the oldest slot that is not older than the instant; 0 where only the newest is. @param guess where it is when no tick was left out */
function oldestSince(ring: Ring, sinceMs: number, guess: number): number {
  let age = Math.min(guess, ring.length - 1);
  while (age > 0 && ring.atBootMs(age) < sinceMs) age--;
  while (age + 1 < ring.length && ring.atBootMs(age + 1) >= sinceMs) age++;
  return age;
}

function usageSince(ring: Ring, age: number, newestMs: number, newestCpuUs: number): WindowUsage | undefined {
  const spanMs = newestMs - ring.atBootMs(age);
  const cpuUs = newestCpuUs - ring.cpuUsageUs(age);
  return cpuUs >= 0 && spanMs >= MIN_WINDOW_MS ? { windowUs: Math.round(spanMs * 1000), cpuUs } : undefined;
}
