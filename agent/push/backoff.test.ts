import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, jitteredMs } from './backoff.ts';

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

describe('jitteredMs', () => {
  it('spreads the interval by a tenth either way', () => {
    expect([0, 0.5, 1].map((random) => jitteredMs(5 * SECOND, random))).toEqual([4500, 5000, 5500]);
  });
});
