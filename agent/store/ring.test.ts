import { describe, expect, it } from 'vitest';
import { emptySample } from '../cgroup/sample.ts';
import { RING_SLOTS, Ring, SLOT_BYTES, SUM_RING_SLOTS } from './ring.ts';

const MIB = 1024 * 1024;

function sampleAt(second: number): ReturnType<typeof emptySample> {
  return {
    ...emptySample(),
    atBootMs: second * 1000,
    cpuUsageUs: second * 250_000,
    memoryCurrentBytes: 100 * MIB,
    activeFileBytes: 10 * MIB,
    inactiveFileBytes: 30 * MIB,
    periods: second * 10,
    throttledPeriods: second,
    cpuSomeUs: second * 2500,
  };
}

describe('Ring', () => {
  it('keeps the newest 900 slots and reads them from the newest back', () => {
    const ring = new Ring();
    for (let second = 0; second < 2000; second++) ring.write(sampleAt(second));
    expect(ring.length).toBe(RING_SLOTS);
    expect(ring.atBootMs(0)).toBe(1_999_000);
    expect(ring.atBootMs(RING_SLOTS - 1)).toBe(1_100_000);
    expect(ring.cpuUsageUs(RING_SLOTS - 1)).toBe(1100 * 250_000);
    expect(ring.atBootMs(RING_SLOTS)).toBeNaN();
    expect(ring.slot(RING_SLOTS)).toBeUndefined();
  });

  it('takes 40 bytes a slot when full and a fifth of that for a young container', () => {
    const ring = new Ring();
    expect(ring.allocatedBytes).toBe(0);
    ring.write(sampleAt(0));
    expect(ring.allocatedBytes).toBe((RING_SLOTS / 5) * SLOT_BYTES);
    for (let second = 1; second < 3 * RING_SLOTS; second++) ring.write(sampleAt(second));
    expect(ring.allocatedBytes).toBe(RING_SLOTS * SLOT_BYTES);
  });

  it('gives a slot back in natural units, memory to 4 KiB', () => {
    const ring = new Ring();
    ring.write(sampleAt(40));
    expect(ring.slot(0)).toEqual({
      atBootMs: 40_000,
      cpuUsageUs: 10_000_000,
      workingSetBytes: 70 * MIB,
      memoryCurrentBytes: 100 * MIB,
      neededMemoryBytes: 60 * MIB,
      periods: 400,
      throttledPeriods: 40,
      cpuSomeMs: 100,
      memorySomeMs: NaN,
      ioSomeMs: NaN,
      waitMs: NaN,
    });
  });

  it('keeps waits for a CPU once there are some, and has no room for them before', () => {
    const ring = new Ring();
    const write = (atBootMs: number, waitMs: number): void => ring.write({ ...emptySample(), atBootMs, waitMs });
    write(1000, 0);
    const bytes = ring.allocatedBytes;
    write(2000, 40);
    write(3000, NaN);
    write(4000, 90);
    expect(ring.allocatedBytes).toBeGreaterThan(bytes);
    expect([3, 2, 1, 0].map((age) => ring.slot(age)?.waitMs)).toEqual([NaN, 40, NaN, 90]);
  });

  it('keeps "not read" apart from zero, in a birth slot too', () => {
    const ring = new Ring();
    ring.writeBirth(5);
    expect(ring.slot(0)).toMatchObject({ atBootMs: 5, cpuUsageUs: 0, workingSetBytes: NaN, periods: NaN });
    ring.write({ ...sampleAt(1), memoryCurrentBytes: 0, periods: 0 });
    expect(ring.slot(0)).toMatchObject({ memoryCurrentBytes: 0, periods: 0 });
  });

  it('keeps instants to 0.1 ms after months of uptime', () => {
    const ring = new Ring();
    const bootMs = 200 * 86_400_000;
    for (let second = 0; second < 900; second++) ring.write({ ...sampleAt(0), atBootMs: bootMs + second * 1000.3 });
    expect(ring.atBootMs(0)).toBe(bootMs + 899 * 1000.3);
    for (const age of [1, 17, 899]) expect(ring.atBootMs(age)).toBeCloseTo(bootMs + (899 - age) * 1000.3, 0);
    expect(Math.abs(ring.atBootMs(899) - bootMs)).toBeLessThanOrEqual(0.1);
  });

  it('holds fewer slots for what only sums containers up', () => {
    const ring = new Ring(SUM_RING_SLOTS);
    for (let second = 0; second < 1000; second++) ring.write(sampleAt(second));
    expect([ring.length, ring.atBootMs(SUM_RING_SLOTS - 1)]).toEqual([SUM_RING_SLOTS, (1000 - SUM_RING_SLOTS) * 1000]);
    expect(ring.allocatedBytes).toBe(SUM_RING_SLOTS * SLOT_BYTES);
  });

  it('forgets the series when cleared', () => {
    const ring = new Ring();
    for (let second = 0; second < 500; second++) ring.write(sampleAt(second));
    ring.clear();
    expect(ring.length).toBe(0);
    expect(ring.atBootMs(0)).toBeNaN();
    ring.write(sampleAt(7));
    expect([ring.length, ring.atBootMs(0), ring.atBootMs(1)]).toEqual([1, 7000, NaN]);
  });
});
