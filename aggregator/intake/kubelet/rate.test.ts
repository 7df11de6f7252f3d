import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Counter } from './rate.ts';
import { rateOf } from './rate.ts';

const RESOLUTION_MS = 15_000;
const START_MS = 1_000_000;
const AT_MS = 2_000_000;

function counter(cpuSeconds: number, atMs: number, startMs = START_MS): Counter {
  return { cpuSeconds, atMs, startMs };
}

describe('rateOf', () => {
  it('is the CPU between two readings over the time between them', () => {
    expect(rateOf(counter(10, AT_MS), counter(25, AT_MS + 15_000), RESOLUTION_MS)).toEqual({
      kind: 'rate',
      windowMs: 15_000,
      cpuSeconds: 15,
    });
  });

  it('is zero for an idle container', () => {
    expect(rateOf(counter(10, AT_MS), counter(10, AT_MS + 15_000), RESOLUTION_MS)).toMatchObject({ cpuSeconds: 0 });
  });

  it('needs two readings of a container that has run for long', () => {
    expect(rateOf(undefined, counter(10, AT_MS), RESOLUTION_MS)).toEqual({ kind: 'none', reason: 'first' });
  });

  it.each([
    [9999, undefined],
    [10_000, 10_000],
    [14_999, 14_999],
    [15_000, undefined],
  ])('counts a container that is %d ms old from its start: window %s', (ageMs, windowMs) => {
    const rate = rateOf(undefined, counter(5, AT_MS, AT_MS - ageMs), RESOLUTION_MS);
    expect(rate).toEqual(
      windowMs === undefined ? { kind: 'none', reason: 'first' } : { kind: 'rate', windowMs, cpuSeconds: 5 },
    );
  });

  it('begins anew with a container that was started again, even when its counter is higher', () => {
    const again = counter(100, AT_MS + 15_000, AT_MS + 8000);
    expect(rateOf(counter(10, AT_MS), again, RESOLUTION_MS)).toEqual({ kind: 'none', reason: 'restarted' });
  });

  it('counts a restarted container from its start when it is old enough', () => {
    const again = counter(3, AT_MS + 15_000, AT_MS + 3000);
    expect(rateOf(counter(10, AT_MS), again, RESOLUTION_MS)).toEqual({
      kind: 'rate',
      windowMs: 12_000,
      cpuSeconds: 3,
    });
  });

  it('waits while the kubelet tells the same reading again', () => {
    expect(rateOf(counter(10, AT_MS), counter(10, AT_MS), RESOLUTION_MS)).toEqual({ kind: 'none', reason: 'same' });
  });

  it('takes a counter or a clock that went back for no rate', () => {
    const before = counter(10, AT_MS);
    const none = { kind: 'none', reason: 'went_back' };
    expect(rateOf(before, counter(9, AT_MS + 15_000), RESOLUTION_MS)).toEqual(none);
    expect(rateOf(before, counter(11, AT_MS - 1), RESOLUTION_MS)).toEqual(none);
  });

  it('compares readings without a start time, as the node’s are', () => {
    const rate = rateOf(counter(10, AT_MS, NaN), counter(12, AT_MS + 4000, NaN), RESOLUTION_MS);
    expect(rate).toEqual({ kind: 'rate', windowMs: 4000, cpuSeconds: 2 });
  });

  it('never gives a negative rate or an empty window', () => {
    const any = fc.record({
      cpuSeconds: fc.double({ min: 0, noNaN: true }),
      atMs: fc.nat(),
      startMs: fc.option(fc.nat(), { nil: NaN }),
    });
    fc.assert(
      fc.property(fc.option(any, { nil: undefined }), any, (before, now) => {
        const rate = rateOf(before, now, RESOLUTION_MS);
        if (rate.kind === 'none') return;
        expect(rate.windowMs).toBeGreaterThan(0);
        expect(rate.cpuSeconds).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
