import { describe, expect, it } from 'vitest';
import type { Served } from './comparison.ts';
import type { Reading } from './kernel-cpu.ts';
import { usedOver } from './kernel-cpu.ts';

const SECOND = 1000;
const figure = (atMs: number, windowMs: number): Served => ({ cpuMillis: 0, memoryBytes: 0, atMs, windowMs });

/** From the tenth second to the twentieth, ten times a second, so many microseconds more each time. */
const readings = (stepUs: (index: number) => number): readonly Reading[] => {
  let usedUs = 5_000_000;
  return Array.from({ length: 101 }, (_, index) => {
    if (index > 0) usedUs += stepUs(index);
    return { atMs: 10 * SECOND + index * 100, tookMs: 0, usedUs };
  });
};
const even = readings(() => 10_000);

describe('what the kernel says of a window', () => {
  it('is what was used between its ends', () => {
    const { least, most } = usedOver(even, figure(15 * SECOND, 2 * SECOND))!;
    // At an instant between two readings each end may lie before or after 10 ms.
    expect(least).toBeCloseTo(95, 6);
    expect(most).toBeCloseTo(105, 6);
  });

  it('is between what the readings around its ends say, wherever the bursts lay', () => {
    // 10 ms of each 100, begun so late in each; read at uneven instants, quickly or not.
    for (let beginMs = 0; beginMs < 100; beginMs += 7) {
      const usedUs = (atMs: number): number => 10_000 * Math.floor((atMs - beginMs) / 100) + 1000 * Math.min(10, (((atMs - beginMs) % 100) + 100) % 100); // prettier-ignore
      const read = Array.from({ length: 80 }, (_, index) => 20_000 + index * 130 + ((index * 37) % 50)).map((atMs, index) => ({ atMs, tookMs: (index * 13) % 30, usedUs: usedUs(atMs - 0.4 * ((index * 13) % 30)) })); // prettier-ignore
      for (let endMs = 23_000; endMs < 28_000; endMs += 333) {
        const truth = (usedUs(endMs) - usedUs(endMs - 1831)) / 1831;
        const { least, most } = usedOver(read, figure(endMs - (endMs % 1000), 1831))!;
        expect(truth).toBeGreaterThanOrEqual(least);
        expect(truth).toBeLessThanOrEqual(most);
        expect(most - least).toBeLessThan(60);
      }
    }
  });

  it('is all that lies between the instants of its second', () => {
    // Idle, then a whole core from the fifteenth second on.
    const { least, most } = usedOver(readings((index) => (index > 50 ? 100_000 : 0)), figure(15 * SECOND, SECOND))!; // prettier-ignore
    expect(least).toBeCloseTo(0, 6);
    expect(most).toBeCloseTo(1000, 6);
  });

  it('may be all that the container ever used, or nothing, where it began before the first reading', () => {
    expect(usedOver(even, figure(11 * SECOND, 4 * SECOND))).toEqual({ least: 0, most: (5_000_000 + 200_000) / 4000 });
  });

  it('is at most what the container had used by the first reading, where it ends before that', () => {
    expect(usedOver(even, figure(8 * SECOND, SECOND))).toEqual({ least: 0, most: 5000 });
  });

  it('is not known where an instant of its second was not read', () => {
    expect(usedOver(even, figure(19_500, SECOND))).toBeUndefined();
    expect(usedOver([], figure(15 * SECOND, SECOND))).toBeUndefined();
  });

  it('is not known over a gap of the readings', () => {
    const gap = even.filter(({ atMs }) => atMs < 14 * SECOND || atMs > 14_600);
    expect(usedOver(gap, figure(17 * SECOND, SECOND))).toBeDefined();
    expect(usedOver(gap, figure(15 * SECOND, SECOND))).toBeUndefined();
    expect(usedOver(gap, figure(13_500, SECOND))).toBeUndefined();
  });
});
