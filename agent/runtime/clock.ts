// CLOCK_BOOTTIME for order and rates, the wall clock only as a label.
// Node reads CLOCK_MONOTONIC (performance.now, from the process's start); the two differ by the time spent suspended, which /proc/uptime tells to 10 ms.
import { readFileSync } from 'node:fs';
import { CodedError } from './coded-error.ts';

export interface Clock {
  /** CLOCK_BOOTTIME in ms, fractions kept. Never goes back. */
  bootTimeMs(): number;
  /** Unix time in ms. */
  wallTimeMs(): number;
}

/** /proc/uptime has a resolution of 10 ms: a smaller difference is no suspend. */
const SUSPEND_MS = 100;
/** So long it is looked at for its next step, which tells the instant to a fraction of a millisecond. */
const STEP_MS = 12;
/** Of 5 µs at least: more than fit into it. */
const MOST_LOOKS = 4000;
const RECHECK_MS = 10_000;
/** Any of which may be interrupted. */
const FEW_LOOKS = 5;

/**
 * The machine's clocks. A suspend is noticed within 10 s and moves `bootTimeMs` forward once.
 * @param uptimeFile /proc/uptime, or a file like it in tests
 */
export function systemClock(uptimeFile = '/proc/uptime'): Clock {
  let offsetMs = firstOffsetMs(uptimeFile);
  let checkedMs = monotonicMs();
  return {
    bootTimeMs() {
      const now = monotonicMs();
      if (now - checkedMs > RECHECK_MS) {
        checkedMs = now;
        const offset = offsetOf(uptimeFile);
        if (offset - offsetMs > SUSPEND_MS) offsetMs = offset;
      }
      return now + offsetMs;
    },
    wallTimeMs: () => Date.now(),
  };
}

/** A machine that never slept has one clock for both: taken as it is, the processes of a machine agree to microseconds. */
function firstOffsetMs(uptimeFile: string): number {
  const awakeMs = sinceBootMs();
  for (let look = 0; look < FEW_LOOKS; look++) {
    if (Math.abs(offsetOf(uptimeFile) - awakeMs) < SUSPEND_MS) return awakeMs;
  }
  return stepOffsetMs(uptimeFile);
}

/** The file first: a process that has to wait for a CPU between the two finds too little, and never a suspend that was none. */
function offsetOf(uptimeFile: string): number {
  return uptimeMs(uptimeFile) - monotonicMs();
}

/** CLOCK_MONOTONIC at the process's start: hrtime counts it from boot. Of some looks the one that was not interrupted is the largest. */
function sinceBootMs(): number {
  const looks = Array.from({ length: FEW_LOOKS }, () => Number(process.hrtime.bigint()) / 1e6 - monotonicMs());
  return Math.max(...looks);
}

/** At the file's next step: what the kernel and the agent say of one instant must not lie 10 ms apart. A file that stands still is taken as it is. */
function stepOffsetMs(uptimeFile: string): number {
  const [first, beganMs] = [uptimeMs(uptimeFile), monotonicMs()];
  for (let look = 0; look < MOST_LOOKS && monotonicMs() - beganMs < STEP_MS; look++) {
    const now = uptimeMs(uptimeFile);
    if (now > first) return now - monotonicMs();
  }
  return first - beganMs;
}

function monotonicMs(): number {
  return performance.now();
}

function uptimeMs(file: string): number {
  const seconds = Number.parseFloat(readUptime(file));
  if (!Number.isFinite(seconds)) throw new Error(`${file} does not start with the uptime in seconds`);
  return seconds * 1000;
}

function readUptime(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (cause) {
    const why = (cause as Error).message;
    throw new CodedError('bad_flag', `${why}: give --proc-root the place where /proc is mounted`, cause);
  }
}
