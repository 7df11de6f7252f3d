// How need grows, how far ahead that is believed, and how long it is expected to go on. Nothing in the readings tells a start-up from a
// leak while it lasts; but a container that is some age, or has once stood still, has started.

/** `need` in bytes. */
export interface NeedPoint {
  readonly atBootMs: number;
  readonly need: number;
}

export interface GrowthState {
  /** Need when the growth began that goes on; undefined: it does not grow. */
  readonly from: number | undefined;
  /** What it has grown since, bytes. */
  readonly grown: number;
  /** Since when it does not grow; NaN: it does, or nothing was read yet. */
  readonly stillSinceMs: number;
  /** It has started: it is SETTLED_AGE_MS old, or has stood still once for SETTLED_MS. */
  readonly settled: boolean;
}

export const NO_GROWTH: GrowthState = { from: undefined, grown: 0, stillSinceMs: NaN, settled: false };

/** Longer than the pauses within a start-up. */
const SETTLED_MS = 10_000;
/** Longer than most start-ups; what jitters never stands still. */
const SETTLED_AGE_MS = 30_000;
/** Harm nearer than this is a shortage: a leak is then raised seconds before the limit even at 1 Hz. */
const HORIZON_S = 10;
/** A start-up is believed as far ahead as it goes back, but no less than a resize takes. */
const LEAST_HORIZON_S = 3;
/** A growth is expected to go on for so many times as long as it was seen to, that of a settled container for so long at least. */
const OUTLOOK_OF_SEEN = 3;
const LEAST_OUTLOOK_S = 15;
const MOST_OUTLOOK_S = 60;
/** Readings may be ms apart where the kernel spoke: a pace over less says little of the next seconds. */
const LEAST_SPAN_MS = 1000;

/** @param history oldest first, with the newest reading @param ageMs of the container; NaN: not known */
export function followGrowth(
  state: GrowthState,
  history: readonly NeedPoint[],
  noiseBytes: number,
  ageMs: number,
): GrowthState {
  const [first, last] = [history[0], history.at(-1)];
  if (!first || !last) return state;
  const aged = state.settled || ageMs >= SETTLED_AGE_MS;
  if (growth(history, noiseBytes, true) > 0) {
    const from = state.from ?? first.need;
    return { from, grown: Math.max(0, last.need - from), stillSinceMs: NaN, settled: aged };
  }
  const stillSinceMs = Number.isNaN(state.stillSinceMs) ? last.atBootMs : state.stillSinceMs;
  const settled = aged || last.atBootMs - stillSinceMs >= SETTLED_MS;
  // Most containers stand still most of the time: nothing is made anew for them.
  if (state.from === undefined && state.stillSinceMs === stillSinceMs && state.settled === settled) return state;
  return { from: undefined, grown: 0, stillSinceMs, settled };
}

/** @param pace bytes per second, 0: none @returns seconds; harm nearer than this is a shortage */
export function horizonS({ settled, grown }: GrowthState, pace: number): number {
  return settled ? HORIZON_S : Math.min(HORIZON_S, Math.max(LEAST_HORIZON_S, seenS(grown, pace)));
}

/** @param pace bytes per second, 0: none @returns seconds that the growth is expected to go on at this pace */
export function outlookS({ settled, grown }: GrowthState, pace: number): number {
  const least = settled ? LEAST_OUTLOOK_S : 0;
  return Math.min(MOST_OUTLOOK_S, Math.max(least, OUTLOOK_OF_SEEN * seenS(grown, pace)));
}

/** How long the present pace would have taken for what was grown. */
function seenS(grown: number, pace: number): number {
  return pace > 0 ? grown / pace : 0;
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

/**
 * Bytes per second since the history left where it began, over a second at least: readings that stood still before it make a growth look
 * slower than it is, which is as well while it is doubted, but not where it is answered.
 */
export function paceOf(history: readonly NeedPoint[], noiseBytes: number): number {
  const [first, last] = [history[0], history.at(-1)];
  if (!first || !last || last === first) return 0;
  const left = history.findIndex(({ need }) => need > first.need + noiseBytes);
  const far = history.findLastIndex(({ atBootMs }) => last.atBootMs - atBootMs >= LEAST_SPAN_MS);
  const base = history[left < 0 ? 0 : Math.min(left - 1, Math.max(0, far))];
  return slope(base ?? first, last);
}

function slope(from: NeedPoint, to: NeedPoint): number {
  return ((to.need - from.need) / (to.atBootMs - from.atBootMs)) * 1000;
}
