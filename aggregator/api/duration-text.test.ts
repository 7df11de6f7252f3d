import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DURATION_MAX_BYTES, durationText, writeDuration } from './duration-text.ts';

const SECOND_US = 1_000_000;

/** Reads what Go's Duration.String prints, in µs. */
function parseGoDuration(text: string): number {
  const factors: Readonly<Record<string, number>> = { h: 3600e6, m: 60e6, s: 1e6, ms: 1e3, µs: 1 };
  let us = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(h|ms|m|s|µs)/g)) us += Number(amount) * factors[unit!]!;
  return Math.round(us);
}

describe('durationText', () => {
  it.each([
    [15_032_000, '15.032s'],
    [15 * SECOND_US, '15s'],
    [60_500_000, '1m0.5s'],
    [0, '0s'],
    [-1, '0s'],
    [500_000, '500ms'],
    [1500, '1.5ms'],
    [1050, '1.05ms'],
    [7, '7µs'],
    [3600 * SECOND_US, '1h0m0s'],
    [3_723_000_001, '1h2m3.000001s'],
  ])('prints %s µs as %s', (us, text) => {
    expect(durationText(us)).toBe(text);
  });

  it('says what it was made of', () => {
    fc.assert(
      fc.property(fc.nat(2_000_000_000), (us) => {
        expect(parseGoDuration(durationText(us))).toBe(us);
      }),
      { numRuns: 2000 },
    );
  });

  it('never takes more bytes than it says', () => {
    const out = Buffer.alloc(64);
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), fc.double()), (us) => {
        expect(writeDuration(out, 0, us)).toBeLessThanOrEqual(DURATION_MAX_BYTES);
      }),
    );
  });
});
