// Exponential back-off with jitter, as client-go's reflector: doubles up to a bound, between half and the whole of it.
import { setTimeout as delay } from 'node:timers/promises';

export interface Backoff {
  nextMs(): number;
  reset(): void;
}

/** Waits; resolves early, without an error, when the signal aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

const FIRST_MS = 500;
const MOST_MS = 30_000;

export function createBackoff(random: () => number, firstMs: number = FIRST_MS, mostMs: number = MOST_MS): Backoff {
  let nextMs = firstMs;
  return {
    nextMs() {
      const ms = nextMs * (0.5 + random() / 2);
      nextMs = Math.min(mostMs, nextMs * 2);
      return ms;
    },
    reset: () => void (nextMs = firstMs),
  };
}

export async function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (err) {
    if (!signal.aborted) throw err;
  }
}
