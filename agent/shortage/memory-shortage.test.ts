import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALM_MEMORY, judgeMemory } from './memory-shortage.ts';
import type { MemoryShortageState, MemoryVerdict } from './memory-shortage.ts';

const MIB = 1024 * 1024;
const THRESHOLDS = { noiseBytes: MIB / 2 };
const LIMIT = 128 * MIB;

/** Judges a series of needs taken `stepMs` apart; says which kinds were raised, in order, '' for none. */
function judgeSeries(needsMib: readonly number[], stepMs = 1000, limit = LIMIT): string[] {
  let state: MemoryShortageState = CALM_MEMORY;
  return needsMib.map((needMib, index) => {
    const verdict = judgeMemory(state, { atBootMs: index * stepMs, need: needMib * MIB }, limit, THRESHOLDS);
    state = verdict.state;
    return verdict.shortage?.kind ?? '';
  });
}

describe('judgeMemory', () => {
  it('raises an approach on the third reading of a steady growth that gets there within 10 s', () => {
    expect(judgeSeries([10, 40, 70])).toEqual(['', '', 'limit-approach']);
  });

  it('tells need, rate and seconds to harm as they are', () => {
    let state = CALM_MEMORY;
    for (const second of [0, 1]) {
      state = judgeMemory(state, { atBootMs: second * 1000, need: (100 + second * 10) * MIB }, LIMIT, THRESHOLDS).state;
    }
    const { shortage } = judgeMemory(state, { atBootMs: 2000, need: 120 * MIB }, LIMIT, THRESHOLDS);
    expect(shortage).toEqual({
      resource: 'memory',
      kind: 'limit-approach',
      raisedBootMs: 2000,
      secondsToHarm: 0.8,
      need: 120 * MIB,
      limit: LIMIT,
      rate: 10 * MIB,
      secondsOfGrowth: 6,
      evidence: { growthBytesPerS: 10 * MIB },
    });
  });

  it.each([100, 1000])('lets a start-up be that ends before it is half way to its limit, read each %i ms', (stepMs) => {
    const readings = Array.from({ length: 8000 / stepMs }, (_, index) => Math.min(46, (12 * index * stepMs) / 1000));
    expect(judgeSeries(readings, stepMs, 96 * MIB).filter(Boolean)).toEqual([]);
  });

  it('raises the same growth at once in a container that has stood still', () => {
    const still = Array.from({ length: 12 }, () => 0);
    expect(judgeSeries([...still, 12, 24, 36], 1000, 96 * MIB).filter(Boolean)).not.toEqual([]);
  });

  it('does not take one step up that stays for a leak', () => {
    expect(judgeSeries([10, 10, 60, 60, 60, 60])).toEqual(['', '', '', '', '', '']);
  });

  it('does not take a reading torn between two files for a leak', () => {
    expect(judgeSeries([30, 30, 110, 30, 30])).toEqual(['', '', '', '', '']);
    expect(judgeSeries([30, 30, 127, 30, 30])).toEqual(['', '', '', '', '']);
    expect(judgeSeries([30, 0, 30, 30, 30], 100)).toEqual(['', '', '', '', '']);
  });

  it('leaves a container that stands steadily below 98 % of its limit alone', () => {
    expect(judgeSeries([122, 122, 122.2, 122, 122.1, 122])).toEqual(['', '', '', '', '', '']);
  });

  describe('at the kernel’s word', () => {
    const judged = (needsMib: readonly number[], said: 'alarm' | 'oom', limitEvents = 0): MemoryVerdict => {
      let verdict: MemoryVerdict = { state: CALM_MEMORY, shortage: undefined };
      for (const [index, needMib] of needsMib.entries()) {
        const last = index === needsMib.length - 1;
        const point = { atBootMs: index * 1000, need: needMib * MIB, limitEvents: last ? limitEvents : 0 };
        verdict = judgeMemory(verdict.state, { ...point, said: last ? said : undefined }, LIMIT, THRESHOLDS);
      }
      return verdict;
    };

    it('raises a climb that it has seen only once before the limit', () => {
      expect(judged([20, 116], 'alarm').shortage).toMatchObject({
        kind: 'limit-approach',
        secondsToHarm: 0.125,
        evidence: { said: 'alarm', growthBytesPerS: 96 * MIB },
      });
    });

    it('raises nothing where it stood before, where it does not grow, and where the files see room', () => {
      expect(judged([116], 'alarm').shortage).toBeUndefined();
      expect(judged([116.2, 116, 116.1], 'alarm').shortage).toBeUndefined();
      expect(judged([60, 118, 60, 60, 60, 116], 'alarm').shortage).toBeUndefined(); // a garbage collector's saw
      expect(judged([20, 100], 'alarm').shortage).toBeUndefined(); // what the program counted as need was a nested file cache
    });

    it('takes an OOM for the limit reached, though all is given back by the time of the reading', () => {
      expect(judged([100, 2], 'oom').shortage).toMatchObject({
        kind: 'limit-reached',
        secondsToHarm: 0,
        need: LIMIT,
        evidence: { said: 'oom' },
      });
    });

    it('takes one reading at the limit together with memory.events for the limit reached', () => {
      const at = (atBootMs: number, needMib: number, limitEvents: number) => ({
        atBootMs,
        need: needMib * MIB,
        limitEvents,
      });
      const before = judgeMemory(CALM_MEMORY, at(0, 60, 3), LIMIT, THRESHOLDS).state;
      expect(judgeMemory(before, at(1000, 127, 3), LIMIT, THRESHOLDS).shortage).toBeUndefined();
      expect(judgeMemory(before, at(1000, 127, 9), LIMIT, THRESHOLDS).shortage).toMatchObject({
        kind: 'limit-reached',
        evidence: { limitEvents: 6 },
      });
      expect(judgeMemory(before, at(1000, 60, 900), LIMIT, THRESHOLDS).shortage).toBeUndefined(); // a reader of files
    });
  });

  it('says limit-reached once need stood at 98 % twice', () => {
    expect(judgeSeries([126, 126.5, 126.5])).toEqual(['', 'limit-reached', 'limit-reached']);
  });

  it('keeps a shortage until the growth is gone or the limit is far, and then is calm again', () => {
    expect(judgeSeries([20, 50, 80, 85, 90, 90, 90, 90])).toEqual([
      '',
      '',
      'limit-approach',
      'limit-approach',
      'limit-approach',
      'limit-approach',
      '',
      '',
    ]);
  });

  it('ends when the limit is raised far enough', () => {
    let state: MemoryShortageState = CALM_MEMORY;
    for (const [second, need] of [70, 80, 90, 100].entries()) {
      state = judgeMemory(state, { atBootMs: second * 1000, need: need * MIB }, LIMIT, THRESHOLDS).state;
    }
    expect(state.active).toBe('limit-approach');
    const raised = judgeMemory(state, { atBootMs: 4000, need: 110 * MIB }, 4 * LIMIT, THRESHOLDS);
    expect(raised).toMatchObject({ state: { active: undefined }, shortage: undefined });
  });

  it('judges a limit that was raised as if nothing had been said', () => {
    let state: MemoryShortageState = CALM_MEMORY;
    for (const [second, need] of [70, 80, 90, 100].entries()) {
      state = judgeMemory(state, { atBootMs: second * 1000, need: need * MIB }, LIMIT, THRESHOLDS).state;
    }
    // 6 s to harm: less than twice as far as a shortage ends, more than it begins.
    const point = { atBootMs: 4000, need: 110 * MIB };
    expect(judgeMemory({ ...state, limit: 170 * MIB }, point, 170 * MIB, THRESHOLDS).shortage).toBeDefined();
    expect(judgeMemory(state, point, 170 * MIB, THRESHOLDS).shortage).toBeUndefined();
  });

  it('judges nothing without a limit or without a reading', () => {
    for (const limit of [Infinity, NaN, 0]) {
      expect(judgeMemory(CALM_MEMORY, { atBootMs: 0, need: 5 }, limit, THRESHOLDS).shortage).toBeUndefined();
    }
    const unread = judgeMemory(CALM_MEMORY, { atBootMs: 0, need: NaN }, LIMIT, THRESHOLDS);
    expect(unread).toEqual({ state: CALM_MEMORY, shortage: undefined });
  });

  it('never raises anything while need does not grow and stays below 98 %', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.97, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 0.003, noNaN: true }), { minLength: 1, maxLength: 80 }),
        fc.constantFrom(100, 1000),
        (share, jitter, stepMs) => {
          const needs = jitter.map((part) => (share + part) * 128);
          expect(judgeSeries(needs, stepMs).every((kind) => kind === '')).toBe(true);
        },
      ),
    );
  });

  it('keeps its history bounded at any rate of readings', () => {
    let state = CALM_MEMORY;
    for (let step = 0; step < 500; step++) {
      state = judgeMemory(state, { atBootMs: step, need: MIB }, LIMIT, THRESHOLDS).state;
    }
    expect(state.history.length).toBeLessThanOrEqual(32);
  });
});
