import { describe, expect, it } from 'vitest';
import type { Series } from './agent-series.ts';
import { againstKubelet, againstServed, kubeletHistory, servedOf } from './comparison.ts';

const SECOND = 1000;
const MIB = 2 ** 20;

/** 200 m all along; 1000 MiB growing by 1 MiB a second. */
const series: Series = {
  atMs: Array.from({ length: 101 }, (_, second) => second * SECOND),
  cpuUsageUs: Array.from({ length: 101 }, (_, second) => second * 200_000),
  workingSetBytes: Array.from({ length: 101 }, (_, second) => (1000 + second) * MIB),
};

function history(cpuSeconds: (atMs: number) => number, memoryMib: (atMs: number) => number) {
  const kept = kubeletHistory();
  for (const atMs of [10_500, 30_500, 60_500]) {
    kept.add({
      cpuSeconds: new Map([['node', { value: cpuSeconds(atMs), atMs }]]),
      workingSet: new Map([['node', { value: memoryMib(atMs) * MIB, atMs }]]),
    });
  }
  return kept;
}

describe('the comparison', () => {
  it('holds the agent’s readings against the kubelet’s at the kubelet’s instants', () => {
    const found = againstKubelet(
      'node',
      history(
        (atMs) => (atMs / 1000) * 0.2,
        (atMs) => 1000 + atMs / 1000,
      ),
      series,
    );
    expect(found.map(({ what, atMs, share }) => [what, atMs, share < 1e-9])).toEqual([
      ['memory', 10_500, true],
      ['memory', 30_500, true],
      ['memory', 60_500, true],
      ['cpu', 60_500, true],
    ]);
  });

  it('tells a difference', () => {
    const found = againstKubelet(
      'node',
      history(
        (atMs) => (atMs / 1000) * 0.22,
        (atMs) => (atMs > 60_000 ? 991 : 1000 + atMs / 1000),
      ),
      series,
    );
    expect(found.map(({ share }) => share.toFixed(3))).toEqual(['0.000', '0.000', '0.070', '0.091']);
  });

  it('passes by a sample that falls into a burst', () => {
    // Of the second from 60 to 61 s: half a second of CPU and 290 MiB, given back in part before its end.
    const bursting: Series = {
      ...series,
      cpuUsageUs: series.cpuUsageUs.map((used, second) => used! + (second > 60 ? 500_000 : 0)),
    };
    const kept = history(
      (atMs) => (atMs / 1000) * 0.2 + (atMs > 60_000 ? 0.5 : 0),
      () => 0,
    );
    const told = [10_500, 30_500, 60_500].map((atMs) => ({ atMs, value: atMs > 60_000 ? 1290 * MIB : (1000 + atMs / 1000) * MIB })); // prettier-ignore
    const found = againstKubelet('node', { ...kept, memory: () => told }, bursting);
    expect(found.map(({ what, share }) => [what, share < 1e-9])).toEqual([['memory', true], ['memory', true]]); // prettier-ignore
    // The same sample away from a burst is a difference.
    expect(againstKubelet('node', { ...kept, memory: () => told }, series)[2]?.share).toBeGreaterThan(0.1);
  });

  it('begins a stretch where its ends are a small part of it', () => {
    // A busy start, which makes the mean; then 20 ms a second, but for 80 ms more after the sample at 10.5 s, within its second.
    const usedS = (atS: number): number => 0.02 * atS + Math.min(atS, 5) + (atS > 10.5 ? 0.08 : 0);
    const uneven: Series = { ...series, cpuUsageUs: series.atMs.map((atMs) => usedS(atMs / 1000) * 1e6) };
    const cpu = (instants: readonly number[]) => {
      const told = instants.map((atMs) => ({ atMs, value: usedS(atMs / 1000) }));
      const kept = history(() => 0, () => 0); // prettier-ignore
      return againstKubelet('node', { ...kept, cpu: () => told }, uneven).filter(({ what }) => what === 'cpu');
    };
    const compared = cpu([10_500, 20_500, 60_500]).map(({ atMs, theirs, share }) => [atMs, theirs.toFixed(2), share < 1e-9]); // prettier-ignore
    expect(compared).toEqual([[60_500, '0.80', true]]);
    expect(cpu([10_500, 60_500])).toEqual([]);
  });

  it.each([
    [59, [10_500, 30_500, 60_500]],
    [60, [10_500, 30_500]],
    [61, [10_500, 30_500]],
    [62, [10_500, 30_500]],
    [64, [10_500, 30_500, 60_500]],
  ])('passes by a sample at 60.5 s where memory has moved by second %i: %j are compared', (second, compared) => {
    const falling: Series = { ...series, workingSetBytes: series.workingSetBytes.map((held, at) => held! - (at >= second ? 100 * MIB : 0)) }; // prettier-ignore
    const found = againstKubelet('node', history((atMs) => (atMs / 1000) * 0.2, (atMs) => 1000 + atMs / 1000), falling); // prettier-ignore
    expect(found.filter(({ what }) => what === 'memory').map(({ atMs }) => atMs)).toEqual(compared);
  });

  it('holds all samples but the worst of many', () => {
    const told = (wrongAt: readonly number[]) =>
      [10_500, 30_500, 60_500, 80_500].map((atMs) => ({ atMs, value: (1000 + atMs / 1000) * MIB * (wrongAt.includes(atMs) ? 1.03 : 1) })); // prettier-ignore
    const kept = history((atMs) => (atMs / 1000) * 0.2, () => 0); // prettier-ignore
    const wrong = (wrongAt: readonly number[], of = 4) =>
      againstKubelet('node', { ...kept, memory: () => told(wrongAt).slice(0, of) }, series)
        .filter(({ what, share, notHeld }) => what === 'memory' && share > 0.02 && !notHeld)
        .map(({ atMs }) => atMs);
    expect(wrong([30_500])).toEqual([]);
    expect(wrong([30_500], 3)).toEqual([30_500]);
    expect(wrong([30_500, 60_500])).toHaveLength(1);
    expect(wrong([10_500, 30_500, 60_500])).toHaveLength(2);
  });

  it('says nothing where the agent read nothing or the kubelet’s stretch is short', () => {
    const young: Series = { ...series, atMs: series.atMs.map((at) => at + 90_000) };
    expect(
      againstKubelet(
        'node',
        history(
          (atMs) => atMs,
          () => 1,
        ),
        young,
      ),
    ).toEqual([]);
    const once = kubeletHistory();
    once.add({ cpuSeconds: new Map([['node', { value: 1, atMs: 5000 }]]), workingSet: new Map() });
    expect(againstKubelet('node', once, series)).toEqual([]);
  });

  it('holds a served figure against the readings of the seconds that it may mean', () => {
    const right = { cpuMillis: 200, memoryBytes: 1050 * MIB, atMs: 50_000, windowMs: 15_000 };
    expect(againstServed('node', right, series).map(({ share }) => share)).toEqual([0, 0]);
    const wrong = againstServed('node', { ...right, cpuMillis: 220, memoryBytes: 1155 * MIB }, series);
    expect(wrong.map(({ what, share }) => [what, share > 0.08])).toEqual([['memory', true], ['cpu', true]]); // prettier-ignore
  });
});

describe('what the metrics API serves', () => {
  const usage = { cpu: '100m', memory: '2Mi' };
  const of = (window: string) => servedOf({ window, timestamp: '2026-11-27T18:25:35Z' }, usage);

  it.each([
    ['15.002s', 15_002],
    ['965.3ms', 965.3],
    ['1m2s', 62_000],
    ['1h0m0.5s', 3_600_500],
  ])('has a window of %s', (window, windowMs) => {
    expect(of(window).windowMs).toBeCloseTo(windowMs, 6);
    expect(of(window)).toMatchObject({
      cpuMillis: 100,
      memoryBytes: 2 * MIB,
      atMs: Date.UTC(2026, 10, 27, 18, 25, 35),
    });
  });

  it('is refused with a window that is none', () => {
    for (const window of ['', '15', 's', '1m2', '-1s']) expect(() => of(window)).toThrow('no duration');
  });
});
