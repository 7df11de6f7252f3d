import { describe, expect, it } from 'vitest';
import { judgeStall, NO_STALL } from './memory-stall.ts';
import type { StallPoint, StallState, StallVerdict } from './memory-stall.ts';

/** A thrashing container, second by second. */
const EACH_SECOND = { limitEvents: 100, someUs: 150_000, hotRefaults: 2500 };

function judgedSeconds(
  seconds: number,
  each: Partial<typeof EACH_SECOND> = {},
  state: StallState = NO_STALL,
  fromS = 0,
) {
  const rates = { ...EACH_SECOND, ...each };
  let verdict: StallVerdict = { state, stall: undefined };
  for (let second = fromS; second <= fromS + seconds; second++) {
    const point: StallPoint = {
      atBootMs: second * 1000,
      limitEvents: second * rates.limitEvents,
      someUs: second * rates.someUs,
      hotRefaults: second * rates.hotRefaults,
    };
    verdict = judgeStall(verdict.state, point);
  }
  return verdict;
}

describe('judgeStall', () => {
  it('raises reclaim, waiting and missed cache together, once they lasted 3 s', () => {
    expect(judgedSeconds(2).stall).toBeUndefined();
    expect(judgedSeconds(3).stall).toEqual({ stallShare: 0.15, hotRefaultsPerS: 2500, limitEvents: 300 });
  });

  it('takes it for reclaim that the limit is held all the time: a pod of one container meets its own, as high, first', () => {
    const held = (shares: readonly number[]): StallVerdict['stall'] => {
      let verdict: StallVerdict = { state: NO_STALL, stall: undefined };
      for (const [second, heldShare] of shares.entries())
        verdict = judgeStall(verdict.state, {
          atBootMs: second * 1000,
          limitEvents: 0,
          someUs: second * EACH_SECOND.someUs,
          hotRefaults: second * EACH_SECOND.hotRefaults,
          heldShare,
        });
      return verdict.stall;
    };
    expect(held([0.99, 0.98, 0.99, 0.99])).toEqual({ stallShare: 0.15, hotRefaultsPerS: 2500, limitEvents: 0 });
    expect(held([0.99, 0.9, 0.99, 0.99])).toBeUndefined();
    expect(held([NaN, NaN, NaN, NaN])).toBeUndefined();
  });

  it('raises none of them alone', () => {
    expect(judgedSeconds(6, { limitEvents: 0 }).stall).toBeUndefined();
    expect(judgedSeconds(6, { someUs: 20_000 }).stall).toBeUndefined();
    expect(judgedSeconds(6, { hotRefaults: 0 }).stall).toBeUndefined();
  });

  it('holds on at half of it and lets go below', () => {
    const begun = judgedSeconds(4).state;
    expect(begun.active).toBe(true);
    const on = (someUs: number): StallVerdict => {
      let verdict: StallVerdict = { state: begun, stall: undefined };
      for (let second = 1; second <= 6; second++) {
        verdict = judgeStall(verdict.state, {
          atBootMs: (4 + second) * 1000,
          limitEvents: 400 + second * 50,
          someUs: 600_000 + second * someUs,
          hotRefaults: 10_000 + second * 300,
        });
      }
      return verdict;
    };
    expect(on(60_000).state.active).toBe(true);
    expect(on(20_000).state.active).toBe(false);
  });

  it('begins anew with the counters, and says nothing where one is not there', () => {
    const begun = judgedSeconds(4).state;
    const anew = judgeStall(begun, { atBootMs: 5000, limitEvents: 0, someUs: 0, hotRefaults: 0 });
    expect(anew.state).toMatchObject({ active: false, history: [{ atBootMs: 5000 }] });
    const unread = judgeStall(begun, { atBootMs: 5000, limitEvents: 500, someUs: NaN, hotRefaults: 0 });
    expect(unread).toEqual({ state: begun, stall: undefined });
  });

  it('keeps its history bounded at any rate of readings', () => {
    let state = NO_STALL;
    for (let ms = 0; ms < 60_000; ms += 50)
      state = judgeStall(state, { atBootMs: ms, limitEvents: ms, someUs: ms, hotRefaults: ms }).state;
    expect(state.history.length).toBeLessThanOrEqual(6);
  });
});
