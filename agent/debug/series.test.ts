import { describe, expect, it } from 'vitest';
import { emptySample } from '../cgroup/sample.ts';
import type { Sample } from '../cgroup/sample.ts';
import { Ring } from '../store/ring.ts';
import { ringColumns, ringCsv } from './ring-dump.ts';
import { seriesOf } from './series.ts';

const MIB = 1024 * 1024;

function ringOf(samples: readonly Partial<Sample>[]): Ring {
  const ring = new Ring();
  for (const sample of samples) ring.write({ ...emptySample(), ...sample });
  return ring;
}

const TWO = ringOf([
  { atBootMs: 1000, cpuUsageUs: 0, periods: 65_530, throttledPeriods: 65_533, memorySomeUs: 0 },
  {
    atBootMs: 3000,
    cpuUsageUs: 1_000_000,
    periods: 65_550,
    throttledPeriods: 65_538,
    memorySomeUs: 500_000,
    memoryCurrentBytes: 8 * MIB,
    inactiveFileBytes: 2 * MIB,
    activeFileBytes: MIB,
  },
]);

describe('seriesOf', () => {
  it('tells rates between slots and levels in them, oldest first', () => {
    const { atBootMs, columns } = seriesOf(TWO);
    expect(atBootMs).toEqual([1000, 3000]);
    expect(columns.cpuMillis).toEqual([null, 500]);
    expect(columns.memorySomeShare).toEqual([null, 0.25]);
    expect(columns.workingSetBytes).toEqual([null, 6 * MIB]);
    expect(columns.neededMemoryBytes).toEqual([null, 5 * MIB]);
    expect(columns.ioSomeShare).toEqual([null, null]);
  });

  it('counts across the wrap of a counter', () => {
    expect(seriesOf(TWO).columns.throttledShare).toEqual([null, 0.25]);
  });

  it('sums the waits of all tasks for a CPU, over one where several wait', () => {
    const ring = ringOf([
      { atBootMs: 0, waitMs: 500 },
      { atBootMs: 1000, waitMs: 3000 },
    ]);
    expect(seriesOf(ring).columns.waitShare).toEqual([null, 2.5]);
    expect(seriesOf(TWO).columns.waitShare).toEqual([null, null]);
  });

  it('gives only what is newer than asked, with the rate of its first slot', () => {
    const { atBootMs, columns } = seriesOf(TWO, 1000);
    expect([atBootMs, columns.cpuMillis]).toEqual([[3000], [500]]);
    expect(seriesOf(TWO, 3000).atBootMs).toEqual([]);
    expect(seriesOf(new Ring()).atBootMs).toEqual([]);
  });

  it('tells no slot twice to who asks on from the newest, though instants are kept to 0.1 ms only', () => {
    const ring = new Ring();
    const told: number[] = [];
    for (let second = 1; second <= 50; second++) {
      ring.write({ ...emptySample(), atBootMs: second * 1000 + ((second * 0.377) % 1), cpuUsageUs: second });
      told.push(...ringColumns(ring, told.at(-1) ?? -Infinity).atBootMs.map(Number));
    }
    expect(told.map(Math.floor)).toEqual(Array.from({ length: 50 }, (_, index) => (index + 1) * 1000));
  });

  it('calls nothing throttled where no period passed', () => {
    const ring = ringOf([
      { atBootMs: 0, periods: 5, throttledPeriods: 1 },
      { atBootMs: 1000, periods: 5, throttledPeriods: 1 },
    ]);
    expect(seriesOf(ring).columns.throttledShare).toEqual([null, 0]);
  });
});

describe('ring dumps', () => {
  it('write a line a slot with wall time, and leave empty what was not read', () => {
    const lines = ringCsv(TWO, -Infinity, 1_750_000_000_000).split('\r\n');
    expect(lines[0]).toMatch(/^time,atBootMs,cpuUsageUs,/);
    expect(lines[1]).toMatch(/^2025-06-15T15:06:41\.000Z,1000,0,,,,/);
    expect(lines[2]).toContain(`,3000,1000000,${6 * MIB},${8 * MIB},`);
    expect(lines).toHaveLength(4);
  });

  it('give the same as columns', () => {
    expect(ringColumns(TWO, -Infinity)).toMatchObject({
      atBootMs: [1000, 3000],
      cpuUsageUs: [0, 1_000_000],
      ioSomeMs: [null, null],
    });
  });
});
