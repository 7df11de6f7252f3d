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
    return { atMs: 10 * SECOND + index * 100, usedUs };
  });
};
const even = readings(() => 10_000);

describe('what the kernel says of a window', () => {
  it('is what was used between its ends, whichever instant of its second it is of', () => {
    const found = usedOver(even, figure(15 * SECOND, 2 * SECOND));
    expect(found).toHaveLength(11);
    for (const { least, most } of found) {
      expect(least).toBeCloseTo(100, 6);
      expect(most).toBeCloseTo(100, 6);
    }
  });

  it('differs from instant to instant where the container does', () => {
    // Idle, then a whole core from the fifteenth second on.
    const found = usedOver(readings((index) => (index > 50 ? 100_000 : 0)), figure(15 * SECOND, SECOND)); // prettier-ignore
    expect(Math.min(...found.map(({ least }) => least))).toBeCloseTo(0, 6);
    expect(Math.max(...found.map(({ most }) => most))).toBeCloseTo(1000, 6);
  });

  it('may be all that the container ever used, or nothing, where it began before the first reading', () => {
    const [first] = usedOver(even, figure(11 * SECOND, 4 * SECOND));
    expect(first).toEqual({ least: 0, most: (5_000_000 + 100_000) / 4000 });
  });

  it('is not known outside the readings', () => {
    expect(usedOver(even, figure(8 * SECOND, SECOND))).toEqual([]);
    expect(usedOver(even, figure(21 * SECOND, SECOND))).toEqual([]);
    expect(usedOver([], figure(15 * SECOND, SECOND))).toEqual([]);
  });

  it('is known of the part of its second that was read', () => {
    expect(usedOver(even, figure(19_500, SECOND))).toHaveLength(6);
  });
});
