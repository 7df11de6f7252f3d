import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeakTally } from './peak-tally.ts';
import { cpuBucketOf } from '../protocol/histogram-scheme.ts';

function seconds(tally: PeakTally): number {
  let sum = 0;
  tally.each((_, part) => (sum += part));
  return sum;
}

describe('PeakTally', () => {
  it('knows no peak before anything was noted', () => {
    expect(new PeakTally()).toMatchObject({ cpuPeakMillis: NaN, workingSetPeakBytes: NaN, size: 0 });
  });

  it('ignores what was not read', () => {
    const tally = new PeakTally();
    tally.noteWorkingSet(5);
    tally.noteWorkingSet(NaN);
    expect(tally.workingSetPeakBytes).toBe(5);
  });

  it('counts a stretch of skipped ticks as that many seconds', () => {
    const tally = new PeakTally();
    tally.noteCpu(100, 3100, true);
    expect(seconds(tally)).toBe(3);
    tally.each((bucket) => expect(bucket).toBe(cpuBucketOf(100)));
  });

  it('leaves the histogram alone for rows that have none', () => {
    const tally = new PeakTally();
    tally.noteCpu(100, 1000, false);
    expect([tally.size, tally.cpuPeakMillis]).toEqual([0, 100]);
  });

  it('loses nothing when tallies are merged, in whatever order', () => {
    const notes = fc.array(fc.tuple(fc.integer({ min: 0, max: 64_000 }), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(notes, (list) => {
        const [left, right, whole] = [new PeakTally(), new PeakTally(), new PeakTally()];
        for (const [millis, isLeft] of list) {
          (isLeft ? left : right).noteCpu(millis, 1000, true);
          whole.noteCpu(millis, 1000, true);
        }
        left.merge(right);
        expect(left.cpuPeakMillis).toBe(whole.cpuPeakMillis);
        const of = (tally: PeakTally): Map<number, number> => {
          const map = new Map<number, number>();
          tally.each((bucket, part) => map.set(bucket, part));
          return map;
        };
        expect(of(left)).toEqual(of(whole));
      }),
    );
  });
});
