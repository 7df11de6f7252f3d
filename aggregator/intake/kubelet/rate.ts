// CPU over the time between two readings of a counter, by metrics-server's rules (pkg/storage): a restart begins anew,
// a fresh container is counted from its start, a reading that is not newer changes nothing.

export interface Counter {
  readonly cpuSeconds: number;
  /** Unix ms, the node's clock. */
  readonly atMs: number;
  /** Unix ms, the node's clock; NaN: not told. */
  readonly startMs: number;
}

/**
 * - `first`: there is nothing to compare with;
 * - `same`: the kubelet has not read the cgroup anew since;
 * - `restarted`: another container under the same name;
 * - `went_back`: the counter or the clock did: the reading is where the next one starts from.
 */
export type Rate =
  | { readonly kind: 'rate'; readonly windowMs: number; readonly cpuSeconds: number }
  | { readonly kind: 'none'; readonly reason: 'first' | 'same' | 'restarted' | 'went_back' };

/** A younger container's start-up would be taken for its usage; metrics-server's bound. */
const LEAST_FRESH_MS = 10_000;

/** @param resolutionMs period of the scrapes: an older container has been seen before, or its mean since the start says nothing */
export function rateOf(before: Counter | undefined, now: Counter, resolutionMs: number): Rate {
  if (before?.atMs === now.atMs) return { kind: 'none', reason: 'same' };
  const ageMs = now.atMs - now.startMs;
  const fresh = ageMs >= LEAST_FRESH_MS && ageMs < resolutionMs;
  const restarted = before !== undefined && now.startMs >= before.atMs;
  if (fresh && (before === undefined || restarted)) {
    return { kind: 'rate', windowMs: ageMs, cpuSeconds: now.cpuSeconds };
  }
  if (before === undefined) return { kind: 'none', reason: 'first' };
  if (restarted) return { kind: 'none', reason: 'restarted' };
  const windowMs = now.atMs - before.atMs;
  const cpuSeconds = now.cpuSeconds - before.cpuSeconds;
  return windowMs > 0 && cpuSeconds >= 0
    ? { kind: 'rate', windowMs, cpuSeconds }
    : { kind: 'none', reason: 'went_back' };
}
