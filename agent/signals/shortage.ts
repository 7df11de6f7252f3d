// Signals judged: readings of one container in, shortages out. Pure: the state goes in and comes back, nothing else is read.
import type { Shortage } from '../protocol/shortage.ts';
import { CALM_CPU, judgeCpu } from './cpu-shortage.ts';
import type { CpuShortageState } from './cpu-shortage.ts';
import { CALM_MEMORY, judgeMemory } from './memory-shortage.ts';
import type { MemoryShortageState, MemoryThresholds } from './memory-shortage.ts';

/** What is judged of one reading. NaN: not read. Counters count from the cgroup's birth. */
export interface ShortageReading {
  readonly atBootMs: number;
  /** memory.current − active_file − inactive_file, both files read at this instant. */
  readonly needBytes: number;
  /** Infinity: none. */
  readonly memoryLimitBytes: number;
  readonly cpuUsageUs: number;
  readonly periods: number;
  readonly throttledPeriods: number;
  /** Infinity: none. */
  readonly cpuLimitMillis: number;
}

export interface ShortageState {
  readonly memory: MemoryShortageState;
  readonly cpu: CpuShortageState;
  /** When the memory shortage was last said, and which kind it was. */
  readonly saidMemory: { readonly atBootMs: number; readonly kind: string };
}

export const CALM: ShortageState = {
  memory: CALM_MEMORY,
  cpu: CALM_CPU,
  saidMemory: { atBootMs: -Infinity, kind: '' },
};

/** A shortage is said again while it lasts, so that a lost push heals; not more often than the tick. */
const REPEAT_MS = 950;

export interface ShortageVerdict {
  readonly state: ShortageState;
  readonly shortages: readonly Omit<Shortage, 'ref'>[];
}

const NONE: readonly never[] = [];

export function judgeShortage(
  state: ShortageState,
  reading: ShortageReading,
  thresholds: MemoryThresholds,
): ShortageVerdict {
  const memory = judgeMemory(
    state.memory,
    { atBootMs: reading.atBootMs, need: reading.needBytes },
    reading.memoryLimitBytes,
    thresholds,
  );
  const cpu = judgeCpu(
    state.cpu,
    {
      atBootMs: reading.atBootMs,
      usageUs: reading.cpuUsageUs,
      periods: reading.periods,
      throttledPeriods: reading.throttledPeriods,
    },
    reading.cpuLimitMillis,
  );
  const sayMemory =
    memory.shortage !== undefined &&
    (memory.shortage.kind !== state.saidMemory.kind || reading.atBootMs - state.saidMemory.atBootMs >= REPEAT_MS);
  const ended = memory.state.active === undefined;
  return {
    state: {
      memory: memory.state,
      cpu: cpu.state,
      saidMemory: sayMemory
        ? { atBootMs: reading.atBootMs, kind: memory.shortage.kind }
        : ended
          ? CALM.saidMemory
          : state.saidMemory,
    },
    shortages: [...(sayMemory ? [memory.shortage] : NONE), ...(cpu.shortage ? [cpu.shortage] : NONE)],
  };
}

/** Whether the container is short of anything now. */
export function isShort(state: ShortageState): boolean {
  return state.memory.active !== undefined || state.cpu.active;
}
