import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptySample } from '../cgroup/sample.ts';
import { Ring } from './ring.ts';
import { usageOver } from './window.ts';

const WINDOW_MS = 15_000;

function ringOf(...points: readonly (readonly [atBootMs: number, cpuUsageUs: number])[]): Ring {
  const ring = new Ring();
  for (const [atBootMs, cpuUsageUs] of points) ring.write({ ...emptySample(), atBootMs, cpuUsageUs });
  return ring;
}

describe('usageOver', () => {
  it('knows no rate from one reading, nor from two that are less than a second apart', () => {
    expect(usageOver(ringOf([1000, 5]), WINDOW_MS)).toBeUndefined();
    expect(usageOver(ringOf([1000, 5], [1400, 9]), WINDOW_MS)).toBeUndefined();
  });

  it('counts from birth while the container is younger than the window', () => {
    const ring = new Ring();
    ring.writeBirth(10_000);
    ring.write({ ...emptySample(), atBootMs: 11_000, cpuUsageUs: 500_000 });
    expect(usageOver(ring, WINDOW_MS)).toEqual({ windowUs: 1_000_000, cpuUs: 500_000 });
  });

  it('looks no further back than the window, give or take half a tick', () => {
    const points = Array.from({ length: 60 }, (_, second) => [second * 1000 + (second % 7), second * 100_000] as const);
    const usage = usageOver(ringOf(...points), WINDOW_MS);
    expect(usage?.cpuUs).toBe(15 * 100_000);
    expect(usage?.windowUs).toBeCloseTo(15_000_000, -5);
  });

  it('spans a gap longer than the window truthfully', () => {
    expect(usageOver(ringOf([0, 0], [1000, 100], [61_000, 700]), WINDOW_MS)).toEqual({
      windowUs: 60_000_000,
      cpuUs: 600,
    });
  });

  it('passes over a reading that failed', () => {
    expect(usageOver(ringOf([0, 100], [1000, NaN], [2000, 300]), WINDOW_MS)).toEqual({
      windowUs: 2_000_000,
      cpuUs: 200,
    });
    expect(usageOver(ringOf([0, 100], [1000, NaN]), WINDOW_MS)).toBeUndefined();
  });

  it('equals the counted time of a steady process within rounding, whatever the jitter of the ticks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 700, max: 1300 }), { minLength: 2, maxLength: 60 }),
        fc.double({ min: 0, max: 64, noNaN: true }),
        (gapsMs, cores) => {
          let atMs = 0;
          const ring = ringOf(...gapsMs.map((gap) => [(atMs += gap), atMs * 1000 * cores] as const));
          const usage = usageOver(ring, WINDOW_MS);
          if (!usage) return gapsMs.length === 2 && (gapsMs[1] ?? 0) < 950;
          return Math.abs(usage.cpuUs / usage.windowUs - cores) < 1e-6 && usage.windowUs <= 15_500_000;
        },
      ),
    );
  });

  it('finds the slot that a look at every one of them finds, through gaps, failed readings and short stretches', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(40, 700, 1000, 1300, 5000, 40_000), fc.boolean()), {
          minLength: 1,
          maxLength: 60,
        }),
        (readings) => {
          let atMs = 0;
          const points = readings.map(
            ([gapMs, failed]) => [(atMs += gapMs), failed ? NaN : atMs * 10] as [number, number],
          );
          expect(usageOver(ringOf(...points), WINDOW_MS)).toEqual(usageOfAll(points));
        },
      ),
    );
  });
});

/** The oldest reading within the window, else the youngest beyond, that is a second away and did not fail. */
function usageOfAll(points: readonly (readonly [atMs: number, cpuUs: number])[]) {
  const [newestMs, newestUs] = points.at(-1)!;
  const usable = points.slice(0, -1).filter(([atMs, cpuUs]) => newestUs >= cpuUs && newestMs - atMs >= 950);
  const within = usable.find(([atMs]) => atMs >= newestMs - WINDOW_MS - 500);
  const [fromMs, fromUs] = within ?? usable.at(-1) ?? [NaN, NaN];
  return Number.isNaN(fromMs) ? undefined : { windowUs: (newestMs - fromMs) * 1000, cpuUs: newestUs - fromUs };
}
