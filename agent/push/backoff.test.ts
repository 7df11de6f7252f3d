import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, jitteredMs, untilBeatMs } from './backoff.ts';

const SECOND = 1000;

describe('backoffMs', () => {
  it('doubles its ceiling from 1 s to 30 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((failures) => backoffMs(failures, 1) / SECOND)).toEqual([1, 2, 4, 8, 16, 30, 30]);
  });

  it('stays between a tenth of a second and 30 s, however long the outage', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const delay = backoffMs(failures, random);
        return delay >= 100 && delay <= 30 * SECOND;
      }),
    );
  });
});

describe('untilBeatMs', () => {
  it('leads from any instant to a beat, at most one interval and a tenth away, and to no beat twice', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.integer({ min: 500, max: 60_000 }), fc.nat(60_000), (nowMs, intervalMs, phaseMs) => {
        const delay = untilBeatMs(nowMs, intervalMs, phaseMs);
        const off = (nowMs + delay - phaseMs) / intervalMs;
        expect(Math.abs(off - Math.round(off))).toBeLessThan(1e-6);
        expect(delay).toBeGreaterThan(0);
        expect(delay).toBeLessThanOrEqual(1.1 * intervalMs);
      }),
    );
    expect(untilBeatMs(7000, 5000, 2000)).toBe(5000);
    expect(untilBeatMs(6995, 5000, 2000)).toBe(5005); // its timer came early
    expect(untilBeatMs(7400, 5000, 2000)).toBe(4600);
  });
});

describe('jitteredMs', () => {
  it('spreads the interval by a tenth either way', () => {
    expect([0, 0.5, 1].map((random) => jitteredMs(5 * SECOND, random))).toEqual([4500, 5000, 5500]);
  });
});
