// A node without a kernel: a clock and timers that move when told, and cgroup files whose contents are set by the test.
import { emptySample } from '../../agent/cgroup/sample.ts';
import type { Sample } from '../../agent/cgroup/sample.ts';
import type { RowFiles } from '../../agent/store/row.ts';
import type { Clock } from '../../agent/runtime/clock.ts';
import type { Timers } from '../../agent/tick.ts';

export interface FakeTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Moves both clocks and runs what falls due, in order. */
  advance(ms: number): void;
  /** Moves both clocks and runs nothing: work that takes this long. */
  spend(ms: number): void;
  /** Steps the wall clock alone. */
  stepWall(ms: number): void;
}

interface Alarm {
  readonly dueMs: number;
  readonly run: () => void;
}

export function fakeTime(bootMs = 1_000_000, wallMs = 1_750_000_000_000): FakeTime {
  let nowMs = 0;
  let wallOffsetMs = wallMs;
  const alarms = new Set<Alarm>();
  const add = (delayMs: number, run: () => void): (() => void) => {
    const alarm = { dueMs: nowMs + Math.max(0, delayMs), run };
    alarms.add(alarm);
    return () => void alarms.delete(alarm);
  };
  const nextBy = (untilMs: number): Alarm | undefined => {
    let next: Alarm | undefined;
    for (const alarm of alarms) if (alarm.dueMs <= untilMs && (!next || alarm.dueMs < next.dueMs)) next = alarm;
    return next;
  };
  return {
    clock: { bootTimeMs: () => bootMs + nowMs, wallTimeMs: () => wallOffsetMs + nowMs },
    timers: { monotonicMs: () => nowMs, after: add, soon: (run) => add(0, run) },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let alarm = nextBy(untilMs); alarm; alarm = nextBy(untilMs)) {
        alarms.delete(alarm);
        nowMs = Math.max(nowMs, alarm.dueMs);
        alarm.run();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
    spend: (ms) => void (nowMs += ms),
    stepWall: (ms) => void (wallOffsetMs += ms),
  };
}

/** What the kernel would say of one cgroup; `files` reads it as a RowFiles does. */
export interface FakeCgroup {
  /** Set fields here; NaN as in a Sample. */
  readonly kernel: Sample;
  readonly files: RowFiles;
  gone: boolean;
  partial: boolean;
  closed: boolean;
  /** Calls of each method so far. */
  readonly calls: Record<
    'readFast' | 'readPressure' | 'readStill' | 'readSlow' | 'readLimits' | 'readMemoryStat',
    number
  >;
}

const FAST = ['cpuUsageUs', 'periods', 'throttledPeriods', 'throttledUs', 'memoryCurrentBytes'] as const;
const EVENTS = ['eventsHigh', 'eventsMax', 'eventsOom', 'eventsOomKill'] as const;
const STAT = ['anonBytes', 'activeFileBytes', 'inactiveFileBytes', 'shmemBytes'] as const;
const LIMITS = ['memoryLimitBytes', 'cpuQuotaUs', 'cpuPeriodUs'] as const;
const SLOW = [...STAT, ...LIMITS, 'pids', 'ioReadBytes', 'ioWriteBytes', 'swapBytes'] as const;

/** @param onRead called before each fast reading, for models that move by themselves */
export function fakeCgroup(kernel: Partial<Sample> = {}, onRead: (cgroup: FakeCgroup) => void = () => {}): FakeCgroup {
  const copy = (fields: readonly (keyof Sample)[], into: Sample): void => {
    for (const field of fields) into[field] = cgroup.kernel[field];
  };
  const cgroup: FakeCgroup = {
    kernel: {
      ...emptySample(),
      cpuUsageUs: 0,
      memoryCurrentBytes: 0,
      activeFileBytes: 0,
      inactiveFileBytes: 0,
      ...kernel,
    },
    gone: false,
    partial: false,
    closed: false,
    calls: { readFast: 0, readPressure: 0, readStill: 0, readSlow: 0, readLimits: 0, readMemoryStat: 0 },
    files: {
      readFast(sample, atBootMs) {
        cgroup.calls.readFast++;
        onRead(cgroup);
        if (cgroup.gone) return 'gone';
        sample.atBootMs = atBootMs;
        copy([...FAST, ...EVENTS], sample);
        return cgroup.partial ? 'partial' : 'ok';
      },
      readPressure: () => cgroup.calls.readPressure++,
      readStill(sample) {
        cgroup.calls.readStill++;
        copy([...STAT, ...LIMITS, 'pids', 'ioReadBytes', 'ioWriteBytes'], sample);
      },
      readSlow(sample) {
        cgroup.calls.readSlow++;
        copy(SLOW, sample);
      },
      readLimits(sample) {
        cgroup.calls.readLimits++;
        copy(LIMITS, sample);
      },
      readMemoryStat(sample) {
        cgroup.calls.readMemoryStat++;
        copy(STAT, sample);
      },
      close: () => void (cgroup.closed = true),
    },
  };
  return cgroup;
}
