// Memory shortage: need = current − active_file − inactive_file, judged with its growth against memory.max and with what the kernel says.
// Page cache that can be reclaimed is no need: a reader of big files fills its limit, fires thousands of memory.events "max", and wants nothing.
import type { Evidence, Judged, KernelWord } from './evidence.ts';

/** `need` in bytes. */
export interface NeedPoint {
  readonly atBootMs: number;
  readonly need: number;
}

/** One judged reading. */
export interface MemoryReading extends NeedPoint {
  /** memory.events max, or its v1 counterpart; NaN or left out: not known. */
  readonly limitEvents?: number;
  /** What the kernel said and this reading is the answer to; undefined: the tick's reading. */
  readonly said?: KernelWord | undefined;
}

export interface MemoryShortageState {
  /** The last HISTORY_MS, oldest first. */
  readonly history: readonly NeedPoint[];
  readonly active: 'limit-approach' | 'limit-reached' | undefined;
  /** The highest need that the history let go: a level that was stood at before, without harm. */
  readonly peak: number;
  /** As at the reading before. */
  readonly limitEvents: number;
}

export interface MemoryThresholds {
  /** Growth over the history that the kernel's batching alone can feign (64 pages a CPU, charged ahead and flushed late). */
  readonly noiseBytes: number;
}

export const CALM_MEMORY: MemoryShortageState = {
  history: [],
  active: undefined,
  peak: 0,
  limitEvents: NaN,
};

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
/** The alarm is sent at 90 % (native/bpf/memory_alarm.bpf.c); its reading may find what was given back meanwhile. */
const ALARM_SHARE = 0.85;
const REACHED_SHARE = 0.98;
/** A state that was raised ends later than it began: horizons twice as far, shares this much lower. */
const RELEASE_FACTOR = 2;
const RELEASE_SHARE = 0.03;
/** Noise never hides more than this part of a small limit. */
const NOISE_OF_LIMIT = 1 / 32;

export interface MemoryVerdict {
  readonly state: MemoryShortageState;
  /** Shortage to raise, without ref. */
  readonly shortage: Judged | undefined;
}

/** @param limit memory.max in bytes; Infinity or NaN: nothing can run short */
export function judgeMemory(
  state: MemoryShortageState,
  point: MemoryReading,
  limit: number,
  thresholds: MemoryThresholds,
): MemoryVerdict {
  if (!(limit > 0 && limit < Infinity)) return { state: CALM_MEMORY, shortage: undefined };
  if (!Number.isFinite(point.need)) return { state, shortage: undefined };
  const kept = state.history.filter((old) => inHistory(old, point));
  const history = [...kept, { atBootMs: point.atBootMs, need: point.need }].slice(-MAX_HISTORY);
  const peak = state.history.reduce((most, old) => (kept.includes(old) ? most : Math.max(most, old.need)), state.peak);
  const noise = Math.min(thresholds.noiseBytes, limit * NOISE_OF_LIMIT);
  const sudden = point.said === 'alarm' && point.need >= limit * ALARM_SHARE && point.need > peak + noise;
  const rate = growth(history, noise, state.active !== undefined || sudden);
  const secondsToHarm = rate > 0 ? Math.max(0, limit - point.need) / rate : Infinity;
  const met = point.limitEvents ?? NaN;
  const limitEvents = Math.max(0, met - state.limitEvents); // NaN before the second reading
  const reachedBytes = limit * (REACHED_SHARE - (state.active === 'limit-reached' ? RELEASE_SHARE : 0));
  const reached =
    point.said === 'oom' || stoodAt(history, reachedBytes) || (limitEvents > 0 && point.need >= reachedBytes);
  const kind: MemoryShortageState['active'] = reached
    ? 'limit-reached'
    : approachOf(point.need / limit, secondsToHarm, state.active !== undefined);
  const next = { history, active: kind, peak, limitEvents: known(met, state.limitEvents) };
  if (kind === undefined) return { state: next, shortage: undefined };
  return {
    state: next,
    shortage: {
      resource: 'memory',
      kind,
      raisedBootMs: point.atBootMs,
      secondsToHarm: kind === 'limit-reached' ? 0 : secondsToHarm,
      // Whoever is killed has given it all back by the time of this reading.
      need: point.said === 'oom' ? Math.max(point.need, limit) : point.need,
      limit,
      rate,
      evidence: evidenceOf(point.said, rate, limitEvents),
    },
  };
}

function evidenceOf(said: KernelWord | undefined, rate: number, limitEvents: number): Evidence {
  return {
    ...(said === undefined ? {} : { said }),
    growthBytesPerS: rate,
    ...(limitEvents > 0 ? { limitEvents } : {}),
  };
}

function known(now: number, before: number): number {
  return Number.isNaN(now) ? before : now;
}

/**
 * Bytes per second. A shortage begins only when the whole history, the history without its newest reading and its newest part
 * all grow: neither one step up that stays nor a single reading torn between two files is a leak. Once begun, and where the kernel
 * itself says that the limit is near, the whole counts alone.
 */
export function growth(history: readonly NeedPoint[], noiseBytes: number, begun: boolean): number {
  const first = history[0];
  const last = history.at(-1);
  const previous = history.at(-2);
  if (!first || !last || !previous || (history.length < 3 && !begun) || last.need - first.need < noiseBytes) return 0;
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
