// Thrashing: the limit is met, tasks wait for memory, and what is taken away is missed at once. Each alone means nothing: a container that
// reads big files meets its limit hundreds of times a second and waits for reclaim a tenth of its time, and needs no more memory
// (recorded: test/fixtures/signals/reader.json).
// A container that alone fills its pod meets the pod's limit, which is as high and has the pause container in it: its own memory.events stand
// still then, and what it holds is all that tells.

export interface StallPoint {
  readonly atBootMs: number;
  /** memory.events high + max. */
  readonly limitEvents: number;
  /** memory.pressure some. */
  readonly someUs: number;
  readonly hotRefaults: number;
  /** memory.current of memory.max. NaN or left out: not known. */
  readonly heldShare?: number;
}

export interface StallState {
  /** The last HISTORY_MS, oldest first, at least POINT_GAP_MS apart. */
  readonly history: readonly StallPoint[];
  readonly active: boolean;
}

export const NO_STALL: StallState = { history: [], active: false };

const HISTORY_MS = 4500;
const POINT_GAP_MS = 900;
/** Shorter is a start or a burst that the cache makes room for. */
const LEAST_SPAN_MS = 2700;
const STALL_SHARE = 0.08;
const RELEASE_SHARE = 0.04;
/** Held all the time: it stands at a limit, its own or its pod's. What a pause container takes is less than the rest, from 32 MiB on. */
const FULL_SHARE = 0.96;
/** 1 MiB of the hot cache each second. A reader of files through twice its limit has none at all. */
const HOT_REFAULTS_PER_S = 256;
const RELEASE_REFAULTS_PER_S = 64;

export interface StallVerdict {
  readonly state: StallState;
  /** undefined: it does not thrash, or nothing new was read. */
  readonly stall:
    { readonly stallShare: number; readonly hotRefaultsPerS: number; readonly limitEvents: number } | undefined;
}

/** A point whose fields are not all known (cgroup v1, no PSI) says nothing. */
export function judgeStall(state: StallState, point: StallPoint): StallVerdict {
  const newest = state.history.at(-1);
  const known = Number.isFinite(point.limitEvents + point.someUs + point.hotRefaults);
  if (!known || (newest && point.atBootMs - newest.atBootMs < POINT_GAP_MS)) return { state, stall: undefined };
  if (newest && (point.limitEvents < newest.limitEvents || point.someUs < newest.someUs))
    return { state: { history: [point], active: false }, stall: undefined };
  const history = [...state.history.filter((old) => point.atBootMs - old.atBootMs <= HISTORY_MS), point];
  const first = history[0] ?? point;
  const spanMs = point.atBootMs - first.atBootMs;
  if (spanMs < LEAST_SPAN_MS) return { state: { history, active: state.active }, stall: undefined };
  const stallShare = (point.someUs - first.someUs) / 1000 / spanMs;
  const hotRefaultsPerS = ((point.hotRefaults - first.hotRefaults) / spanMs) * 1000;
  const limitEvents = point.limitEvents - first.limitEvents;
  const active =
    (limitEvents > 0 || history.every(({ heldShare = NaN }) => heldShare >= FULL_SHARE)) &&
    stallShare >= (state.active ? RELEASE_SHARE : STALL_SHARE) &&
    hotRefaultsPerS >= (state.active ? RELEASE_REFAULTS_PER_S : HOT_REFAULTS_PER_S);
  return {
    state: { history, active },
    stall: active ? { stallShare, hotRefaultsPerS, limitEvents } : undefined,
  };
}
