// CLOCK_BOOTTIME for order and rates, the wall clock only as a label.
// Node reads CLOCK_MONOTONIC (performance.now, from the process's start); the two differ by the time spent suspended, which /proc/uptime tells to 10 ms.
import { readFileSync } from 'node:fs';

export interface Clock {
  /** CLOCK_BOOTTIME in ms, fractions kept. Never goes back. */
  bootTimeMs(): number;
  /** Unix time in ms. */
  wallTimeMs(): number;
}

/** /proc/uptime has a resolution of 10 ms: a smaller difference is no suspend. */
const SUSPEND_MS = 100;
const RECHECK_MS = 10_000;

/**
 * The machine's clocks. A suspend is noticed within 10 s and moves `bootTimeMs` forward once.
 * @param uptimeFile /proc/uptime, or a file like it in tests
 */
export function systemClock(uptimeFile = '/proc/uptime'): Clock {
  let offsetMs = uptimeMs(uptimeFile) - monotonicMs();
  let checkedMs = monotonicMs();
  return {
    bootTimeMs() {
      const now = monotonicMs();
      if (now - checkedMs > RECHECK_MS) {
        checkedMs = now;
        const offset = uptimeMs(uptimeFile) - now;
        if (offset - offsetMs > SUSPEND_MS) offsetMs = offset;
      }
      return now + offsetMs;
    },
    wallTimeMs: () => Date.now(),
  };
}

function monotonicMs(): number {
  return performance.now();
}

function uptimeMs(file: string): number {
  const seconds = Number.parseFloat(readFileSync(file, 'latin1'));
  if (!Number.isFinite(seconds)) throw new Error(`${file} does not start with the uptime in seconds`);
  return seconds * 1000;
}
