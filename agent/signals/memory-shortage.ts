// Memory shortage from sampled counters: need = current − active_file − inactive_file, judged with its growth against memory.max.
// Page cache that can be reclaimed is no need: a reader of big files fills its limit, fires thousands of memory.events "max", and wants nothing.
import type { Shortage } from '../protocol/shortage.ts';

/** One judged reading; `need` in bytes. */
export interface NeedPoint {
  readonly atBootMs: number;
  readonly need: number;
}

export interface MemoryShortageState {
  /** The last HISTORY_MS, oldest first. */
  readonly history: readonly NeedPoint[];
  readonly active: 'limit-approach' | 'limit-reached' | undefined;
}

export interface MemoryThresholds {
  /** Growth over the history that the kernel's batching alone can feign (64 pages a CPU, charged ahead and flushed late). */
  readonly noiseBytes: number;
}

export const CALM_MEMORY: MemoryShortageState = { history: [], active: undefined };

/** Growth is looked at over this long: long enough to tell a leak from a burst, short enough to leave seconds to act. */
const HISTORY_MS = 2500;
/** 10 Hz for HISTORY_MS and some. */
const MAX_HISTORY = 32;
/** Harm nearer than this is a shortage: a leak is then raised seconds before the limit even at 1 Hz. */
const HORIZON_S = 10;
/** Near the limit a slower leak counts too. */
const NEAR_HORIZON_S = 120;
/** Below this share of the limit a steep start-up is no approach yet. */
const LEAST_SHARE = 0.25;
const NEAR_SHARE = 0.9;
const REACHED_SHARE = 0.98;
/** A state that was raised ends later than it began: horizons twice as far, shares this much lower. */
const RELEASE_FACTOR = 2;
const RELEASE_SHARE = 0.03;
/** Noise never hides more than this part of a small limit. */
const NOISE_OF_LIMIT = 1 / 32;

export interface MemoryVerdict {
  readonly state: MemoryShortageState;
  /** Shortage to raise, without ref. */
  readonly shortage: Omit<Shortage, 'ref'> | undefined;
}

/** @param limit memory.max in bytes; Infinity or NaN: nothing can run short */
export function judgeMemory(
  state: MemoryShortageState,
  point: NeedPoint,
  limit: number,
  thresholds: MemoryThresholds,
): MemoryVerdict {
  if (!(limit > 0 && limit < Infinity)) return { state: CALM_MEMORY, shortage: undefined };
  if (!Number.isFinite(point.need)) return { state, shortage: undefined };
  const history = [...state.history.filter((old) => inHistory(old, point)), point].slice(-MAX_HISTORY);
  const noise = Math.min(thresholds.noiseBytes, limit * NOISE_OF_LIMIT);
  const rate = growth(history, noise, state.active !== undefined);
  const secondsToHarm = rate > 0 ? Math.max(0, limit - point.need) / rate : Infinity;
  const reached = stoodAt(history, limit * (REACHED_SHARE - (state.active === 'limit-reached' ? RELEASE_SHARE : 0)));
  const kind: MemoryShortageState['active'] = reached
    ? 'limit-reached'
    : approachOf(point.need / limit, secondsToHarm, state.active !== undefined);
  const next = { history, active: kind };
  if (kind === undefined) return { state: next, shortage: undefined };
  return {
    state: next,
    shortage: {
      resource: 'memory',
      kind,
      raisedBootMs: point.atBootMs,
      secondsToHarm: kind === 'limit-reached' ? 0 : secondsToHarm,
      need: point.need,
      limit,
      rate,
    },
  };
}

/**
 * Bytes per second. A shortage begins only when the whole history, the history without its newest reading and its newest part
 * all grow: neither one step up that stays nor a single reading torn between two files is a leak. Once begun, the whole counts alone.
 */
export function growth(history: readonly NeedPoint[], noiseBytes: number, begun: boolean): number {
  const first = history[0];
  const last = history.at(-1);
  const previous = history.at(-2);
  if (!first || !last || !previous || history.length < 3 || last.need - first.need < noiseBytes) return 0;
  const whole = slope(first, last);
  if (begun) return whole;
  const recent = history[history.length - 1 - Math.max(1, Math.floor(history.length / 8))] ?? previous;
  return Math.max(0, Math.min(whole, slope(first, previous), slope(recent, last)));
}

/** Two readings in a row, so that a torn one is no shortage. */
function stoodAt(history: readonly NeedPoint[], bytes: number): boolean {
  return (history.at(-1)?.need ?? 0) >= bytes && (history.at(-2)?.need ?? 0) >= bytes * (1 - RELEASE_SHARE);
}

function approachOf(share: number, secondsToHarm: number, begun: boolean): 'limit-approach' | undefined {
  const further = begun ? RELEASE_FACTOR : 1;
  if (share < LEAST_SHARE) return undefined;
  if (secondsToHarm < HORIZON_S * further) return 'limit-approach';
  const near = share > NEAR_SHARE - (begun ? RELEASE_SHARE : 0);
  return near && secondsToHarm < NEAR_HORIZON_S * further ? 'limit-approach' : undefined;
}

function inHistory(old: NeedPoint, newest: NeedPoint): boolean {
  return old.atBootMs < newest.atBootMs && newest.atBootMs - old.atBootMs <= HISTORY_MS;
}

function slope(from: NeedPoint, to: NeedPoint): number {
  return ((to.need - from.need) / (to.atBootMs - from.atBootMs)) * 1000;
}
