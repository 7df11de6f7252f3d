import { describe, expect, it } from 'vitest';
import type { Series } from './agent-series.ts';
import type { Answers } from './compared.ts';
import { compareInOrder } from './compared.ts';
import { NODE_KEY } from './kubelet-figures.ts';

const MIB = 2 ** 20;

/** 200 m and 1000 MiB all along. */
const readings: Series = {
  atMs: Array.from({ length: 101 }, (_, second) => second * 1000),
  cpuUsageUs: Array.from({ length: 101 }, (_, second) => second * 200_000),
  workingSetBytes: Array.from({ length: 101 }, () => 1000 * MIB),
};
const series = new Map([[NODE_KEY, readings]]);

/** What the kubelet told last, and what was served then. */
const kept = (atMs: number, cpuS = (atMs / 1000) * 0.2): Answers => ({
  kubelet: {
    cpuSeconds: new Map([[NODE_KEY, { value: cpuS, atMs }]]),
    workingSet: new Map([[NODE_KEY, { value: 1000 * MIB, atMs }]]),
  },
  served: new Map([
    [NODE_KEY, { cpuMillis: 200, memoryBytes: 1000 * MIB, atMs: atMs - (atMs % 1000), windowMs: 4000 }],
  ]),
});

describe('comparisons', () => {
  it('begin when there is a stretch of CPU that can be compared', () => {
    const { comparisons: found } = compareInOrder([10_500, 25_500, 40_500, 45_500].map((at) => kept(at)), series, [NODE_KEY]); // prettier-ignore
    expect(found).toHaveLength(2);
    expect(found.flat().every(({ share }) => share < 1e-9)).toBe(true);
    expect(new Set(found[0]!.map(({ what, against }) => `${what} ${against}`))).toEqual(
      new Set(['memory kubelet', 'cpu kubelet', 'memory served', 'cpu served']),
    );
  });

  it('are none where the kubelet told nothing new', () => {
    const { comparisons: found } = compareInOrder([10_500, 40_500, 40_500, 40_500].map((at) => kept(at)), series, [NODE_KEY]); // prettier-ignore
    expect(found).toHaveLength(1);
  });

  it('are none where a figure is lacking that is wanted', () => {
    const at = [10_500, 40_500, 45_500].map((each) => kept(each));
    expect(compareInOrder(at, series, [NODE_KEY]).comparisons).toHaveLength(2);
    expect(compareInOrder(at, series, [NODE_KEY, 'default/holds/main']).comparisons).toEqual([]);
  });

  it('are none where nothing was served', () => {
    const silent = { ...kept(45_500), served: new Map() };
    const { comparisons, answers, unserved } = compareInOrder([kept(10_500), kept(40_500), silent, kept(46_500)], series, [NODE_KEY]); // prettier-ignore
    expect(comparisons).toHaveLength(2);
    expect([answers, unserved]).toEqual([2, 1]);
  });

  it('tell what was served wrongly', () => {
    const wrong = { ...kept(40_500), served: new Map([[NODE_KEY, { ...kept(40_500).served.get(NODE_KEY)!, cpuMillis: 220 }]]) }; // prettier-ignore
    const {
      comparisons: [found],
    } = compareInOrder([kept(10_500), wrong], series, [NODE_KEY]);
    expect(found!.filter(({ share }) => share > 0.05).map(({ what, against }) => `${what} ${against}`)).toEqual(['cpu served']); // prettier-ignore
  });

  it('tell a difference at the sample that brings it', () => {
    const { comparisons: found } = compareInOrder([kept(10_500), kept(40_500), kept(45_500, 9.1 + 2.1)], series, [
      NODE_KEY,
    ]);
    const worst = found.map((each) => Math.max(...each.map(({ share }) => share)));
    expect(worst[0]).toBeLessThan(1e-9);
    expect(worst[1]).toBeGreaterThan(0.2);
  });
});
