// Memory shortage: need = current − active_file − inactive_file, judged with its growth against memory.max and with what the kernel says.
// Page cache that can be reclaimed is no need: a reader of big files fills its limit, fires thousands of memory.events "max", and wants nothing.
import type { Evidence, Judged, KernelWord } from './evidence.ts';
import { followGrowth, growth, horizonS, NO_GROWTH, outlookS, paceOf } from './growth.ts';
import type { GrowthState, NeedPoint } from './growth.ts';

/** One judged reading. */
export interface MemoryReading extends NeedPoint {
  /** Since its cgroup was made; left out: not known. */
  readonly ageMs?: number;
  /** memory.events max, or its v1 counterpart; NaN or left out: not known. */
  readonly limitEvents?: number;
  /** What the kernel said and this reading is the answer to; undefined: the tick's reading. */
  readonly said?: KernelWord | undefined;
}

export interface MemoryShortageState {
  /** The last HISTORY_MS, oldest first. */
  readonly history: readonly NeedPoint[];
  readonly active: 'limit-approach' | 'limit-reached' | undefined;
  readonly growth: GrowthState;
  /** As at the reading before; NaN before the first. */
  readonly limit: number;
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
  growth: NO_GROWTH,
  limit: NaN,
  peak: 0,
  limitEvents: NaN,
};

/** Growth is looked at over this long: long enough to tell a leak from a burst, short enough to leave seconds to act. */
const HISTORY_MS = 2500;
/** 10 Hz for HISTORY_MS and some. */
const MAX_HISTORY = 32;
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
  if (limit <= 0 || limit === Infinity) return { state: CALM_MEMORY, shortage: undefined };
  if (Number.isNaN(limit) || !Number.isFinite(point.need)) return { state, shortage: undefined };
  const kept = state.history.filter((old) => inHistory(old, point));
  const history = [...kept, { atBootMs: point.atBootMs, need: point.need }].slice(-MAX_HISTORY);
  const peak = state.history.reduce((most, old) => (kept.includes(old) ? most : Math.max(most, old.need)), state.peak);
  const noise = Math.min(thresholds.noiseBytes, limit * NOISE_OF_LIMIT);
  // A limit that was raised is looked at as if nothing had been said yet.
  const begun = limit > state.limit ? undefined : state.active;
  const sudden = point.said === 'alarm' && point.need >= limit * ALARM_SHARE && point.need > peak + noise;
  const rate = growth(history, noise, begun !== undefined || sudden);
  const pace = rate > 0 ? paceOf(history, noise) : 0;
  const grows = followGrowth(state.growth, history, noise, point.ageMs ?? NaN);
  const met = point.limitEvents ?? NaN;
  const limitEvents = Math.max(0, met - state.limitEvents); // NaN before the second reading
  const approach = { share: point.need / limit, secondsToHarm: harmS(limit - point.need, rate), horizonS: horizonS(grows, rate) }; // prettier-ignore
  const reached = isReached(history, limit * (REACHED_SHARE - (begun === 'limit-reached' ? RELEASE_SHARE : 0)), limitEvents); // prettier-ignore
  const active: MemoryShortageState['active'] =
    point.said === 'oom' || reached ? 'limit-reached' : approachOf(approach, begun !== undefined);
  const next = { history, active, growth: grows, limit, peak, limitEvents: known(met, state.limitEvents) };
  if (active === undefined) return { state: next, shortage: undefined };
  const shortage: Judged = {
    resource: 'memory',
    kind: active,
    raisedBootMs: point.atBootMs,
    secondsToHarm: active === 'limit-reached' ? 0 : harmS(limit - point.need, pace),
    // Whoever is killed has given it all back by the time of this reading.
    need: point.said === 'oom' ? Math.max(point.need, limit) : point.need,
    limit,
    rate: pace,
    secondsOfGrowth: outlookS(grows, pace),
    evidence: evidenceOf(point.said, pace, limitEvents),
  };
  return { state: next, shortage };
}

function harmS(roomBytes: number, rate: number): number {
  return rate > 0 ? Math.max(0, roomBytes) / rate : Infinity;
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

/** Two readings in a row, so that a torn one is no shortage; or one at which the limit was met. */
function isReached(history: readonly NeedPoint[], bytes: number, limitEvents: number): boolean {
  const [before = 0, now = 0] = [history.at(-2)?.need, history.at(-1)?.need];
  return now >= bytes && (limitEvents > 0 || before >= bytes * (1 - RELEASE_SHARE));
}

interface Approach {
  /** Of the limit that is needed. */
  readonly share: number;
  readonly secondsToHarm: number;
  /** Harm nearer than this is a shortage. */
  readonly horizonS: number;
}

function approachOf({ share, secondsToHarm, horizonS }: Approach, begun: boolean): 'limit-approach' | undefined {
  const further = begun ? RELEASE_FACTOR : 1;
  if (share < LEAST_SHARE) return undefined;
  if (secondsToHarm < horizonS * further) return 'limit-approach';
  const near = share > NEAR_SHARE - (begun ? RELEASE_SHARE : 0);
  return near && secondsToHarm < NEAR_HORIZON_S * further ? 'limit-approach' : undefined;
}

function inHistory(old: NeedPoint, newest: NeedPoint): boolean {
  return old.atBootMs < newest.atBootMs && newest.atBootMs - old.atBootMs <= HISTORY_MS;
}
