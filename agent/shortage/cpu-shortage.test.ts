import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALM_CPU, judgeCpu } from './cpu-shortage.ts';
import type { CpuShortageState, CpuVerdict } from './cpu-shortage.ts';

const LIMIT_MILLIS = 200;

/** Ten periods a second; `throttled` of them each second. */
function judgeSeconds(throttled: readonly number[], limit = LIMIT_MILLIS): CpuVerdict['shortage'][] {
  let state: CpuShortageState = CALM_CPU;
  let sum = 0;
  return [0, ...throttled].map((count, second) => {
    sum += count;
    const point = { atBootMs: second * 1000, usageUs: second * 200_000, periods: second * 10, throttledPeriods: sum };
    const verdict = judgeCpu(state, point, limit);
    state = verdict.state;
    return verdict.shortage;
  });
}

describe('judgeCpu', () => {
  it('raises throttling of a quarter of the periods once it lasted 3 s', () => {
    const raised = judgeSeconds([3, 3, 3, 3]);
    expect(raised.map((shortage) => shortage !== undefined)).toEqual([false, false, false, true, true]);
    expect(raised[3]).toEqual({
      resource: 'cpu',
      kind: 'throttled',
      raisedBootMs: 3000,
      secondsToHarm: 0,
      need: 200,
      limit: LIMIT_MILLIS,
      rate: 0.3,
      evidence: { throttledShare: 0.3 },
    });
  });

  it('tells waits that throttling explains from waits for others', () => {
    const judged = (waitMs: number, throttledUs: number): CpuVerdict => {
      let verdict: CpuVerdict = { state: CALM_CPU, shortage: undefined };
      for (const second of [0, 1, 2, 3]) {
        const point = { atBootMs: second * 1000, usageUs: 0, periods: second * 10, throttledPeriods: second * 4 };
        const waits = { waitMs: second * waitMs, throttledUs: second * throttledUs };
        verdict = judgeCpu(verdict.state, { ...point, ...waits }, LIMIT_MILLIS);
      }
      return verdict;
    };
    expect(judged(500, 400_000).shortage?.evidence).toEqual({ throttledShare: 0.4, waitShare: 0.5, crowdedShare: 0.1 });
    // Its periods ended with nothing left to do: nobody waited.
    expect(judged(1, 400_000).shortage).toBeUndefined();
    expect(judged(NaN, 400_000).shortage?.evidence).toEqual({ throttledShare: 0.4 });
  });

  it('lets a burst of one second pass', () => {
    expect(judgeSeconds([0, 0, 5, 0, 0, 0, 0, 0]).every((shortage) => shortage === undefined)).toBe(true);
  });

  it('holds on until the share is below a tenth', () => {
    const raised = judgeSeconds([5, 5, 5, 2, 2, 2, 2, 2, 0, 0, 0, 0]).map((shortage) => shortage !== undefined);
    expect(raised.lastIndexOf(true)).toBeGreaterThan(7);
    expect(raised.at(-1)).toBe(false);
  });

  it('starts anew when the counters do', () => {
    let state = CALM_CPU;
    for (const [second, throttled] of [0, 9, 18, 27].entries()) {
      const point = { atBootMs: second * 1000, usageUs: 0, periods: second * 10, throttledPeriods: throttled };
      state = judgeCpu(state, point, LIMIT_MILLIS).state;
    }
    expect(state.active).toBe(true);
    const anew = judgeCpu(state, { atBootMs: 4000, usageUs: 0, periods: 1, throttledPeriods: 1 }, LIMIT_MILLIS);
    expect(anew).toMatchObject({ state: { active: false }, shortage: undefined });
    expect(anew.state.history).toHaveLength(1);
  });

  it('starts anew when the limit was changed, so that a resize is not asked for twice', () => {
    let state = CALM_CPU;
    const at = (second: number, limit: number): CpuVerdict => {
      const point = { atBootMs: second * 1000, usageUs: 0, periods: second * 10, throttledPeriods: second * 6 };
      const verdict = judgeCpu(state, point, limit);
      state = verdict.state;
      return verdict;
    };
    for (const second of [0, 1, 2, 3]) at(second, LIMIT_MILLIS);
    expect(state.active).toBe(true);
    for (const second of [4, 5, 6]) expect(at(second, 4 * LIMIT_MILLIS).shortage).toBeUndefined();
    expect(at(7, 4 * LIMIT_MILLIS).shortage).toMatchObject({ limit: 4 * LIMIT_MILLIS, rate: 0.6 });
  });

  it('judges nothing without a limit, without readings or of an idle cgroup', () => {
    expect(judgeSeconds([9, 9, 9, 9, 9], Infinity).every((shortage) => shortage === undefined)).toBe(true);
    const unread = { atBootMs: 0, usageUs: 0, periods: NaN, throttledPeriods: NaN };
    expect(judgeCpu(CALM_CPU, unread, LIMIT_MILLIS)).toEqual({ state: CALM_CPU, shortage: undefined });
    let state = CALM_CPU;
    for (let second = 0; second < 6; second++) {
      const point = { atBootMs: second * 1000, usageUs: 0, periods: second, throttledPeriods: second };
      const verdict = judgeCpu(state, point, LIMIT_MILLIS);
      state = verdict.state;
      expect(verdict.shortage).toBeUndefined();
    }
  });

  it('never raises anything below a quarter, and keeps its history bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 100 }), (throttled) => {
        expect(judgeSeconds(throttled).every((shortage) => shortage === undefined)).toBe(true);
      }),
    );
    let state = CALM_CPU;
    for (let ms = 0; ms < 60_000; ms += 100) {
      state = judgeCpu(state, { atBootMs: ms, usageUs: 0, periods: ms, throttledPeriods: 0 }, LIMIT_MILLIS).state;
    }
    expect(state.history.length).toBeLessThanOrEqual(7);
  });
});
