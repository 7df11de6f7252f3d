// CPU shortage: the share of CFS periods in which the cgroup was throttled (Documentation/scheduler/sched-bwc), read beside how long its
// tasks waited for a CPU. A throttled task waits as well: what throttling does not explain, others on the node do, and a higher limit
// would not help it.
import type { Evidence, Judged } from './evidence.ts';

export interface CpuPoint {
  readonly atBootMs: number;
  readonly usageUs: number;
  readonly periods: number;
  readonly throttledPeriods: number;
  /** Of all its run queues together. */
  readonly throttledUs?: number;
  /** Of its tasks for a CPU. NaN or left out: not known. */
  readonly waitMs?: number;
}

export interface CpuShortageState {
  /** The last HISTORY_MS, oldest first, at least POINT_GAP_MS apart. */
  readonly history: readonly CpuPoint[];
  readonly active: boolean;
  /** The limit that the history was throttled under. */
  readonly limitMillis: number;
}

export const CALM_CPU: CpuShortageState = { history: [], active: false, limitMillis: NaN };

const HISTORY_MS = 5500;
const POINT_GAP_MS = 900;
/** Shorter throttling is a burst that a limit is there for. */
const LEAST_SPAN_MS = 2900;
/** Idle cgroups have no periods: a share of a handful says nothing. */
const LEAST_PERIODS = 10;
const THROTTLED_SHARE = 0.25;
const RELEASE_SHARE = 0.1;
/** Where waits are known and there are none, what was throttled had nothing left to do. */
const LEAST_WAIT_SHARE = 0.02;

export interface CpuVerdict {
  readonly state: CpuShortageState;
  readonly shortage: Judged | undefined;
}

/** @param limitMillis cpu.max in millicores; Infinity or NaN: nothing is throttled */
export function judgeCpu(state: CpuShortageState, point: CpuPoint, limitMillis: number): CpuVerdict {
  if (!(limitMillis > 0 && limitMillis < Infinity)) return { state: CALM_CPU, shortage: undefined };
  const readable = Number.isFinite(point.periods + point.throttledPeriods + point.usageUs);
  const newest = state.history.at(-1);
  if (!readable || (newest && point.atBootMs - newest.atBootMs < POINT_GAP_MS)) return { state, shortage: undefined };
  // Counters began anew, or the limit moved: what was throttled under another limit says nothing of this one.
  if (!newest || point.periods < newest.periods || limitMillis !== state.limitMillis) {
    return { state: { history: [point], active: false, limitMillis }, shortage: undefined };
  }
  const history = [...state.history.filter((old) => point.atBootMs - old.atBootMs <= HISTORY_MS), point];
  const first = history[0] ?? point;
  const spanMs = point.atBootMs - first.atBootMs;
  const periods = point.periods - first.periods;
  if (spanMs < LEAST_SPAN_MS) return { state: { history, active: state.active, limitMillis }, shortage: undefined };
  const share = periods >= LEAST_PERIODS ? (point.throttledPeriods - first.throttledPeriods) / periods : 0;
  const evidence = evidenceOf(first, point, share);
  const active =
    share >= (state.active ? RELEASE_SHARE : THROTTLED_SHARE) && (evidence.waitShare ?? 1) >= LEAST_WAIT_SHARE;
  if (!active) return { state: { history, active, limitMillis }, shortage: undefined };
  return {
    state: { history, active, limitMillis },
    shortage: {
      resource: 'cpu',
      kind: 'throttled',
      raisedBootMs: point.atBootMs,
      secondsToHarm: 0,
      need: (point.usageUs - first.usageUs) / spanMs, // µs per ms = millicores
      limit: limitMillis,
      rate: Math.min(1, share),
      evidence,
    },
  };
}

function evidenceOf(first: CpuPoint, last: CpuPoint, throttledShare: number): Evidence {
  const spanMs = last.atBootMs - first.atBootMs;
  const waitMs = (last.waitMs ?? NaN) - (first.waitMs ?? NaN);
  if (!(waitMs >= 0)) return { throttledShare };
  const throttledMs = Math.max(0, (last.throttledUs ?? 0) - (first.throttledUs ?? 0) || 0) / 1000;
  return {
    throttledShare,
    waitShare: waitMs / spanMs,
    crowdedShare: Math.max(0, waitMs - throttledMs) / spanMs,
  };
}
