// Signals judged: readings of one container in, shortages out. Pure: the state goes in and comes back, nothing else is read.
import { CALM_CPU, judgeCpu } from './cpu-shortage.ts';
import type { CpuPoint, CpuShortageState } from './cpu-shortage.ts';
import type { Judged, KernelWord } from './evidence.ts';
import { CALM_MEMORY, judgeMemory } from './memory-shortage.ts';
import type { MemoryShortageState, MemoryThresholds } from './memory-shortage.ts';
import { NO_STALL, judgeStall } from './memory-stall.ts';
import type { StallState } from './memory-stall.ts';

/** What is judged of one reading. NaN: not read. Counters count from the cgroup's birth. */
export interface ShortageReading {
  readonly atBootMs: number;
  /** Since its cgroup was made. */
  readonly ageMs: number;
  /** memory.current − active_file − inactive_file, both files read at this instant. */
  readonly needBytes: number;
  readonly memoryCurrentBytes: number;
  /** Infinity: none. */
  readonly memoryLimitBytes: number;
  readonly eventsHigh: number;
  readonly eventsMax: number;
  readonly memorySomeUs: number;
  readonly hotRefaultsFile: number;
  readonly cpuUsageUs: number;
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledUs: number;
  readonly waitMs: number;
  /** Infinity: none. */
  readonly cpuLimitMillis: number;
}

export interface ShortageState {
  readonly memory: MemoryShortageState;
  readonly stall: StallState;
  readonly cpu: CpuShortageState;
  /** When the memory shortage was last said, and which kind it was. */
  readonly saidMemory: { readonly atBootMs: number; readonly kind: string };
}

export const CALM: ShortageState = {
  memory: CALM_MEMORY,
  stall: NO_STALL,
  cpu: CALM_CPU,
  saidMemory: { atBootMs: -Infinity, kind: '' },
};

/** A shortage is said again while it lasts, so that a lost push heals; not more often than the tick. */
const REPEAT_MS = 950;

export interface ShortageVerdict {
  readonly state: ShortageState;
  readonly shortages: readonly Judged[];
}

const NONE: readonly never[] = [];

/** @param said what the kernel just said of the container; undefined: the tick's reading */
export function judgeShortage(
  state: ShortageState,
  reading: ShortageReading,
  thresholds: MemoryThresholds,
  said?: KernelWord,
): ShortageVerdict {
  const { atBootMs, needBytes, memoryLimitBytes, cpuLimitMillis } = reading;
  const point = { atBootMs, ageMs: reading.ageMs, need: needBytes, limitEvents: reading.eventsMax, said };
  const memory = judgeMemory(state.memory, point, memoryLimitBytes, thresholds);
  const stall = judgeStall(state.stall, {
    atBootMs,
    limitEvents: reading.eventsMax + reading.eventsHigh,
    someUs: reading.memorySomeUs,
    hotRefaults: reading.hotRefaultsFile,
    heldShare: reading.memoryCurrentBytes / memoryLimitBytes,
  });
  const cpu = judgeCpu(state.cpu, cpuPoint(reading), cpuLimitMillis);
  const short = memory.shortage ?? thrashing(reading, stall.stall);
  const sayMemory =
    short !== undefined && (short.kind !== state.saidMemory.kind || atBootMs - state.saidMemory.atBootMs >= REPEAT_MS);
  const ended = memory.state.active === undefined && !stall.state.active;
  return {
    state: {
      memory: memory.state,
      stall: stall.state,
      cpu: cpu.state,
      saidMemory: sayMemory ? { atBootMs, kind: short.kind } : ended ? CALM.saidMemory : state.saidMemory,
    },
    shortages: [...(sayMemory ? [short] : NONE), ...(cpu.shortage ? [cpu.shortage] : NONE)],
  };
}

function cpuPoint({ atBootMs, cpuUsageUs, periods, throttledPeriods, throttledUs, waitMs }: ShortageReading): CpuPoint {
  return { atBootMs, usageUs: cpuUsageUs, periods, throttledPeriods, throttledUs, waitMs };
}

/** The cache that a thrashing container works with is needed as well: all that it holds. */
function thrashing(reading: ShortageReading, stall: ReturnType<typeof judgeStall>['stall']): Judged | undefined {
  const { atBootMs, memoryCurrentBytes, memoryLimitBytes } = reading;
  if (stall === undefined || !(memoryLimitBytes > 0 && memoryLimitBytes < Infinity)) return undefined;
  return {
    resource: 'memory',
    kind: 'limit-reached',
    raisedBootMs: atBootMs,
    secondsToHarm: 0,
    need: memoryCurrentBytes,
    limit: memoryLimitBytes,
    rate: 0,
    evidence: stall,
  };
}

/** Whether the container is short of anything now. */
export function isShort(state: ShortageState): boolean {
  return state.memory.active !== undefined || state.stall.active || state.cpu.active;
}
