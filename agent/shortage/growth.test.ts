import { describe, expect, it } from 'vitest';
import { followGrowth, growth, horizonS, NO_GROWTH, outlookS, paceOf } from './growth.ts';
import type { GrowthState, NeedPoint } from './growth.ts';

const MIB = 2 ** 20;
const NOISE = MIB / 2;

/** One reading a second; the history is the last three. */
function follow(needsMib: readonly number[], bornMs = 0): GrowthState {
  const points = needsMib.map((need, second): NeedPoint => ({ atBootMs: second * 1000, need: need * MIB }));
  return points.reduce((now, { atBootMs }, at) => followGrowth(now, points.slice(Math.max(0, at - 2), at + 1), NOISE, atBootMs - bornMs), NO_GROWTH); // prettier-ignore
}

const still = (mib: number, seconds: number): readonly number[] => Array.from({ length: seconds + 1 }, () => mib);

describe('growth', () => {
  it('is nothing below what the kernel’s batching can feign', () => {
    const points = [0, 1, 2].map((second) => ({ atBootMs: second * 1000, need: second * 100_000 }));
    expect(growth(points, 250_000, false)).toBe(0);
    expect(growth(points, 150_000, false)).toBe(100_000);
  });
});

describe('the pace of a growth', () => {
  const points = (needsMib: readonly number[]): readonly NeedPoint[] => needsMib.map((need, second) => ({ atBootMs: second * 1000, need: need * MIB })); // prettier-ignore

  it('is what it has been since it left where it stood, within the noise', () => {
    expect(paceOf(points([20, 20.1, 20.3, 30, 40]), NOISE)).toBeCloseTo(9.85 * MIB);
    expect(paceOf(points([20, 30, 40]), NOISE)).toBe(10 * MIB);
  });

  it('is over a second at least, however near the readings are', () => {
    const close = [0, 1000, 1900, 2000, 2005].map((atBootMs, at) => ({ atBootMs, need: (at === 4 ? 100 : 20) * MIB }));
    expect(paceOf(close, NOISE)).toBeCloseTo((80 * MIB) / 1.005, -3);
    expect(paceOf(close.slice(2), NOISE)).toBeCloseTo((80 * MIB) / 0.105, -3);
  });

  it('is not taken from a torn reading on the way, nor from one alone', () => {
    expect(paceOf(points([20, 30, 0, 50]), NOISE)).toBe(10 * MIB);
    expect(paceOf(points([20]), NOISE)).toBe(0);
    expect(paceOf([], NOISE)).toBe(0);
  });

  it('is that of all readings where none has left', () => {
    expect(paceOf(points([20, 20.1, 20.2]), NOISE)).toBeCloseTo(0.1 * MIB);
  });
});

describe('what a growth has grown', () => {
  it('counts from where it began, also over readings that fall a little', () => {
    expect(follow([20, 30, 40, 50, 60])).toMatchObject({ from: 20 * MIB, grown: 40 * MIB });
    expect(follow([20, 40, 60, 59, 70])).toMatchObject({ from: 20 * MIB, grown: 50 * MIB });
  });

  it('counts anew after a pause, in which noise is no growth', () => {
    expect(follow([20, 40, 60, 60, 60.2, 60.3])).toMatchObject({ from: undefined, grown: 0 });
    expect(follow([20, 40, 60, 60, 60, 60, 70, 80])).toMatchObject({ from: 60 * MIB, grown: 20 * MIB });
  });

  it('is not less than nothing', () => {
    const history = [20, 30, 40].map((need, second) => ({ atBootMs: second * 1000, need: need * MIB }));
    expect(followGrowth({ ...NO_GROWTH, from: 50 * MIB }, history, NOISE, 0)).toMatchObject({
      from: 50 * MIB,
      grown: 0,
    });
  });
});

describe('a container', () => {
  it('is settled once it has stood still for ten seconds in a row, and stays so', () => {
    expect(follow(still(20, 9)).settled).toBe(false);
    expect(follow(still(20, 10)).settled).toBe(true);
    expect(follow([...still(20, 9), 30, 40, ...still(40, 9)]).settled).toBe(false);
    expect(follow([...still(20, 10), 30, 40, 50]).settled).toBe(true);
  });

  it('that stands still has the state that it had', () => {
    const state = follow(still(20, 12));
    const history = [13_000, 14_000].map((atBootMs) => ({ atBootMs, need: 20 * MIB }));
    expect(followGrowth(state, history, NOISE, 14_000)).toBe(state);
  });
});

describe('a container that always moves', () => {
  const waves = Array.from({ length: 40 }, (_, second) => 100 + 3 * (second % 5));

  it('is settled when it is half a minute old, not before', () => {
    expect(follow(waves.slice(0, 30)).settled).toBe(false);
    expect(follow(waves.slice(0, 31)).settled).toBe(true);
  });

  it('is settled at once for an agent that starts later', () => {
    expect(follow(waves.slice(0, 2), -60_000).settled).toBe(true);
    expect(follow(waves, NaN).settled).toBe(false);
  });
});

describe('how far ahead a growth is believed', () => {
  const grown = (mib: number, settled = false): GrowthState => ({ ...NO_GROWTH, from: 0, grown: mib * MIB, settled });

  it('is as far as a start-up goes back, from 3 to 10 s; ten of a container that is settled', () => {
    expect([10, 50, 500].map((mib) => horizonS(grown(mib), 10 * MIB))).toEqual([3, 5, 10]);
    expect(horizonS(grown(10, true), 10 * MIB)).toBe(10);
  });

  it('is three times as long as it was seen, at most a minute, and from a standstill 15 s at least', () => {
    expect([10, 50, 500].map((mib) => outlookS(grown(mib), 10 * MIB))).toEqual([3, 15, 60]);
    expect([10, 60, 500].map((mib) => outlookS(grown(mib, true), 10 * MIB))).toEqual([15, 18, 60]);
  });

  it('is nothing without a pace', () => {
    expect(outlookS(grown(0), 0)).toBe(0);
    expect(horizonS(grown(0), 0)).toBe(3);
  });
});
