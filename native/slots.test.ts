import { describe, expect, it } from 'vitest';
import { emptyDelays, readDelays, readSample } from './slots.ts';
import type { IteratorSample } from './slots.ts';

const PAGE = 4096;
const ALL_BITS = 2n ** 64n - 1n;

function sampleSlots(...fields: readonly bigint[]): Uint32Array {
  return new Uint32Array(new BigUint64Array([...Array<bigint>(18).fill(0n), ...fields]).buffer);
}

describe('readSample', () => {
  const full = [8n, 5_000_999n, 30n, 9n, 7_000n, 20_000_000n, 100_000_000n, 10n, 64n, ALL_BITS, 1n, 2n, 3n, 4n, 5n, 6n, 11n, 0n]; // prettier-ignore

  it('gives the units of the files, rounded down like theirs', () => {
    const into = {} as IteratorSample;
    expect(readSample(sampleSlots(...full), 1, 8, PAGE, into)).toBe(true);
    expect(into).toEqual({
      cpuUsageUs: 5000,
      periods: 30,
      throttledPeriods: 9,
      throttledUs: 7,
      cpuQuotaUs: 20_000,
      cpuPeriodUs: 100_000,
      memoryCurrentBytes: 10 * PAGE,
      memoryLimitBytes: 64 * PAGE,
      memoryHighBytes: Infinity,
      inactiveFileBytes: PAGE,
      activeFileBytes: 2 * PAGE,
      eventsHigh: 3,
      eventsMax: 4,
      eventsOom: 5,
      eventsOomKill: 6,
      pids: 11,
      swapBytes: 0,
    });
  });

  it('says that a cgroup is gone when the pass did not come by', () => {
    expect(readSample(sampleSlots(...full), 1, 9, PAGE, {} as IteratorSample)).toBe(false);
    expect(readSample(sampleSlots(...full), 0, 8, PAGE, {} as IteratorSample)).toBe(false);
  });

  it('tells a controller that is off from a limit that is not set', () => {
    const into = {} as IteratorSample;
    readSample(sampleSlots(8n, 1000n, ...Array<bigint>(16).fill(ALL_BITS)), 1, 8, PAGE, into);
    expect(into.cpuUsageUs).toBe(1);
    for (const name of ['cpuQuotaUs', 'cpuPeriodUs', 'memoryCurrentBytes', 'memoryLimitBytes', 'pids'] as const)
      expect(into[name]).toBeNaN();
  });
});

describe('readDelays', () => {
  it('reads one slot’s buckets and its sum beyond 32 bits', () => {
    const words = new Uint32Array(32);
    words.set([1, 2, 3], 16);
    new BigUint64Array(words.buffer)[14] = 6_000_000_000n;
    const delays = emptyDelays();
    readDelays(words, 1, delays);
    expect([...delays.buckets]).toEqual([1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(delays.delayMs).toBe(6000);
  });
});
