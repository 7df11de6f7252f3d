// Workloads as the agent would sample them, at 1 Hz and from then on at 10 Hz where the cadence says so, against the judge.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Shortage } from '../protocol/shortage.ts';
import { emptySample, neededMemoryBytes } from '../cgroup/sample.ts';
import type { Sample } from '../cgroup/sample.ts';
import { withinReach } from '../cadence.ts';
import { CALM, isShort, judgeShortage } from './shortage.ts';
import type { ShortageState } from './shortage.ts';

const MIB = 1024 * 1024;
const SECOND = 1000;
const THRESHOLDS = { noiseBytes: MIB / 2 };

interface Moment {
  readonly anonBytes: number;
  readonly fileBytes: number;
  readonly periods?: number;
  readonly throttledPeriods?: number;
}

interface Raised extends Omit<Shortage, 'ref'> {
  readonly atMs: number;
}

interface Replay {
  readonly raised: readonly Raised[];
  /** When need reached the limit: the kill. Infinity: never. */
  readonly harmMs: number;
  readonly state: ShortageState;
}

/** @param workload what the kernel holds at an instant @param phaseMs of the 1 s samples against the workload's start */
function replay(workload: (ms: number) => Moment, limitMib: number, durationMs: number, phaseMs: number): Replay {
  const limit = limitMib * MIB;
  const raised: Raised[] = [];
  let state = CALM;
  let harmMs = Infinity;
  let watchedUntilMs = -Infinity;
  let before: Sample | undefined;
  for (let ms = phaseMs; ms <= durationMs && harmMs === Infinity; ms += 100) {
    const onTick = (ms - phaseMs) % SECOND === 0;
    const moment = workload(ms);
    if (moment.anonBytes >= limit) harmMs = ms;
    if (!onTick && ms >= watchedUntilMs) continue;
    const sample = sampleOf(moment, limit, ms);
    if (onTick) {
      const grown = before ? neededMemoryBytes(sample) - neededMemoryBytes(before) : 0;
      if (withinReach(sample, before ? (grown / (ms - before.atBootMs)) * 1000 : 0)) watchedUntilMs = ms + 5 * SECOND;
      before = sample;
    }
    const verdict = judgeShortage(state, readingOf(sample), THRESHOLDS);
    state = verdict.state;
    raised.push(...verdict.shortages.map((shortage) => ({ ...shortage, atMs: ms })));
  }
  return { raised, harmMs, state };
}

function sampleOf(moment: Moment, limit: number, ms: number): Sample {
  return {
    ...emptySample(),
    atBootMs: ms,
    cpuUsageUs: ms * 200,
    periods: moment.periods ?? 0,
    throttledPeriods: moment.throttledPeriods ?? 0,
    memoryCurrentBytes: moment.anonBytes + moment.fileBytes,
    activeFileBytes: moment.fileBytes / 4,
    inactiveFileBytes: (moment.fileBytes * 3) / 4,
    memoryLimitBytes: limit,
  };
}

function readingOf(sample: Sample): Parameters<typeof judgeShortage>[1] {
  // Of a container that has run for a minute before.
  return { ...sample, ageMs: 60 * SECOND + sample.atBootMs, needBytes: neededMemoryBytes(sample), cpuLimitMillis: 200 };
}

function leak(mibPerSecond: number, startMib: number, fromMs: number): (ms: number) => Moment {
  return (ms) => ({
    anonBytes: (startMib + (Math.max(0, ms - fromMs) / SECOND) * mibPerSecond) * MIB,
    fileBytes: 2 * MIB,
  });
}

const PHASES = [0, 100, 300, 500, 900];

describe('replayed workloads', () => {
  it.each([64, 128])('raises a 10 MiB/s leak in %i MiB at least 2 s before the kill', (limitMib) => {
    for (const phase of PHASES) {
      const { raised, harmMs } = replay(leak(10, 4, 3050), limitMib, 60 * SECOND, phase);
      expect(harmMs).toBeLessThan(Infinity);
      expect(harmMs - (raised[0]?.atMs ?? Infinity)).toBeGreaterThanOrEqual(2 * SECOND);
    }
  });

  it('raises a 1 MiB/s leak about 10 s before the kill, not minutes before', () => {
    for (const phase of PHASES) {
      const { raised, harmMs } = replay(leak(1, 40, 3050), 128, 200 * SECOND, phase);
      const lead = harmMs - (raised[0]?.atMs ?? Infinity);
      expect(lead).toBeGreaterThanOrEqual(8 * SECOND);
      expect(lead).toBeLessThanOrEqual(15 * SECOND);
    }
  });

  it('raises a 100 MiB/s leak before the kill where the limit leaves the sampling time to see it', () => {
    for (const phase of PHASES) {
      const { raised, harmMs } = replay(leak(100, 20, 3050), 512, 60 * SECOND, phase);
      expect(harmMs - (raised[0]?.atMs ?? Infinity)).toBeGreaterThan(1.5 * SECOND);
    }
  });

  it('repeats a lasting shortage each second, not more often, and counts down', () => {
    const { raised } = replay(leak(10, 4, 50), 128, 60 * SECOND, 0);
    expect(raised.length).toBeGreaterThanOrEqual(4);
    for (const [index, { atMs, secondsToHarm, kind }] of raised.entries()) {
      const next = raised[index + 1];
      if (!next || next.kind !== kind) continue;
      expect(next.atMs - atMs).toBeGreaterThanOrEqual(950);
      expect(next.atMs - atMs).toBeLessThanOrEqual(1100);
      expect(next.secondsToHarm).toBeLessThan(secondsToHarm);
    }
  });

  it('lets a burst that stays within the limit pass', () => {
    const burst = (ms: number): Moment => ({ anonBytes: (ms >= 5050 && ms < 9000 ? 70 : 20) * MIB, fileBytes: MIB });
    for (const phase of PHASES) expect(replay(burst, 128, 20 * SECOND, phase).raised).toEqual([]);
  });

  it('lets a steady process be, whatever part of its limit it holds below 98 %', () => {
    for (const mib of [1, 64, 100, 120, 125]) {
      const steady = (ms: number): Moment => ({ anonBytes: mib * MIB + (ms % 7) * 4096, fileBytes: 0 });
      expect(replay(steady, 128, 30 * SECOND, 300).raised).toEqual([]);
    }
  });

  it('never raises a process that only reads big files, however its cache moves and its readings tear', () => {
    const moves = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 512 }),
        fc.double({ min: 0.02, max: 0.6, noNaN: true }),
        moves,
        fc.constantFrom(...PHASES),
        (limitMib, anonShare, fills, phase) => {
          // The cache fills, stands at the limit or is dropped; batches of 64 pages a CPU are charged ahead of both files.
          const reader = (ms: number): Moment => {
            const anonBytes = anonShare * limitMib * MIB;
            const fill = fills[Math.floor(ms / 700) % fills.length] ?? 1;
            const ahead = (fills[Math.floor(ms / 300) % fills.length] ?? 0) * Math.min(MIB / 2, (limitMib * MIB) / 32);
            return {
              anonBytes: anonBytes + ahead * 0.99,
              fileBytes: Math.max(0, (limitMib * MIB - anonBytes) * fill - ahead),
            };
          };
          const { raised, state } = replay(reader, limitMib, 20 * SECOND, phase);
          expect(raised).toEqual([]);
          expect(isShort(state)).toBe(false);
        },
      ),
    );
  });

  it('raises lasting CFS throttling after 3 s and repeats it each second', () => {
    const busy = (ms: number): Moment => ({
      anonBytes: MIB,
      fileBytes: 0,
      periods: Math.floor(ms / 100),
      throttledPeriods: Math.floor((ms / 100) * 0.6),
    });
    const { raised } = replay(busy, 128, 10 * SECOND, 0);
    expect(raised.map(({ atMs }) => atMs)).toEqual([3, 4, 5, 6, 7, 8, 9, 10].map((second) => second * SECOND));
    for (const { kind, rate } of raised) {
      expect(kind).toBe('throttled');
      expect(rate).toBeCloseTo(0.6, 1);
    }
  });
});
