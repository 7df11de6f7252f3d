// A growth through both sides that judge it, the agent's word and the aggregator's step, with a node that takes its time for a resize:
// what leaks is never at its limit, and gets few steps for it; what only starts gets none.
import { describe, expect, it } from 'vitest';
import { CALM_MEMORY, judgeMemory } from '../../agent/shortage/memory-shortage.ts';
import { isShortOf, wantedLimit } from '../../aggregator/resize/target.ts';

const MIB = 2 ** 20;
const THRESHOLDS = { noiseBytes: MIB / 2 };
const MINUTE_MS = 60_000;
/** From the agent's word to the container's memory.max; an emulated kubelet takes as long. */
const RESIZE_MS = 1000;
/** The agent says again what lasts. */
const AGAIN_MS = 1000;

interface Step {
  readonly atMs: number;
  readonly limitMib: number;
}

/** @param needMib at an instant @param bornMs of the container @returns the steps of the first minute @throws Error when the limit is met */
function stepsOf(needMib: (ms: number) => number, firstLimitMib: number, eachMs: number, bornMs = 0): readonly Step[] {
  const steps: Step[] = [];
  let state = CALM_MEMORY;
  let limit = firstLimitMib * MIB;
  let saidMs = -Infinity;
  for (let ms = 0; ms <= MINUTE_MS; ms += eachMs) {
    const last = steps.at(-1);
    if (last && ms >= last.atMs + RESIZE_MS) limit = last.limitMib * MIB;
    const need = needMib(ms) * MIB;
    if (need >= limit) throw new Error(`killed after ${ms} ms at ${limit / MIB} MiB`);
    const verdict = judgeMemory(state, { atBootMs: ms, ageMs: ms - bornMs, need }, limit, THRESHOLDS);
    state = verdict.state;
    const underWay = last !== undefined && ms < last.atMs + RESIZE_MS;
    if (!verdict.shortage || underWay || ms < saidMs + AGAIN_MS) continue;
    saidMs = ms;
    const shortage = { ref: 1, ...verdict.shortage };
    if (!isShortOf(shortage, need, limit)) continue;
    steps.push({ atMs: ms, limitMib: wantedLimit(shortage, need, limit) / MIB });
  }
  return steps;
}

const leak = (startMib: number, mibPerS: number) => (ms: number) => startMib + (mibPerS * ms) / 1000;
/** It has stood still before. */
const STILL_MS = 12_000;
const lateLeak = (startMib: number, mibPerS: number) => (ms: number) => leak(startMib, mibPerS)(Math.max(0, ms - STILL_MS)); // prettier-ignore
/** From nothing to what it holds, at an even pace. */
const start = (settledMib: number, seconds: number) => (ms: number) =>
  Math.min(settledMib, (settledMib * ms) / 1000 / seconds);

/** Between a step and the next, ms. */
const gaps = (steps: readonly Step[]): readonly number[] => steps.slice(1).map(({ atMs }, index) => atMs - steps[index]!.atMs); // prettier-ignore

describe('a leak', () => {
  it.each([1, 4, 10, 20, 40])('of %i MiB/s from the start, in 160 MiB, gets few steps in a minute', (mibPerS) => {
    const steps = stepsOf(leak(mibPerS === 1 ? 110 : 24, mibPerS), 160, 100);
    expect(steps.length).toBeGreaterThanOrEqual(1);
    expect(steps.length).toBeLessThanOrEqual(5);
    expect(Math.min(Infinity, ...gaps(steps))).toBeGreaterThan(1500);
  });

  it.each([
    [100, 4],
    [100, 10],
    [100, 24],
    [1000, 10],
    [1000, 24],
  ])('that begins after a standstill, read each %i ms, is helped as early as can be: %i MiB/s', (eachMs, mibPerS) => {
    const steps = stepsOf(lateLeak(64, mibPerS), 160, eachMs);
    const harmMs = STILL_MS + (1000 * (160 - 64)) / mibPerS;
    // Eight seconds before its limit, or as soon as it was seen to grow.
    expect(steps[0]!.atMs).toBeLessThanOrEqual(Math.max(harmMs - 7500, STILL_MS + 1100 + eachMs));
    expect(steps.length).toBeLessThanOrEqual(4);
    expect(Math.min(Infinity, ...gaps(steps))).toBeGreaterThan(1500);
  });

  it.each([8, 15, 20])(
    'of %i MiB/s in a container that always moves is helped as early as in one that stood still',
    (mibPerS) => {
      const waves = (ms: number): number => lateLeak(100, mibPerS)(ms) + 3 * ((ms / 1000) % 5 < 1 ? 1 : 0);
      const [first] = stepsOf(waves, 160, 100, -60_000);
      expect(first!.atMs).toBeLessThanOrEqual(STILL_MS + 1700);
    },
  );

  it('that was there before the agent is helped at once', () => {
    const [first] = stepsOf(leak(90, 10), 160, 100, -60_000);
    expect(first?.atMs).toBeLessThanOrEqual(300);
  });

  it('that begins near the limit is helped at once', () => {
    const [first] = stepsOf(lateLeak(130, 10), 160, 100);
    expect(first?.atMs).toBeLessThanOrEqual(STILL_MS + 1000);
  });

  it('gets longer steps while it goes on', () => {
    const [first, second] = stepsOf(leak(24, 10), 160, 100);
    const lastsS = ({ atMs, limitMib }: Step): number => (limitMib - leak(24, 10)(atMs)) / 10;
    expect(lastsS(first!)).toBeGreaterThan(10);
    expect(lastsS(second!)).toBeGreaterThan(1.5 * lastsS(first!));
    expect(lastsS(second!)).toBeLessThanOrEqual(61);
  });
});

describe('a start-up', () => {
  it.each([
    [24, 2, 96],
    [40, 3, 96],
    [500, 4, 1024],
    [1000, 4, 2048],
    [1000, 60, 2048],
  ])('to %i MiB within %i s, of %i MiB, is let be', (settledMib, seconds, limitMib) => {
    for (const eachMs of [100, 1000]) expect(stepsOf(start(settledMib, seconds), limitMib, eachMs)).toEqual([]);
  });

  it.each([
    [40, 1, 96],
    [40, 2, 96],
    [500, 2, 1024],
    [100, 0.5, 256],
    [80, 4, 96],
    [900, 10, 1024],
  ])(
    'to %i MiB within %d s, of %i MiB, gets less than four times its limit, in two steps at most',
    (settledMib, seconds, limitMib) => {
      for (const eachMs of [100, 1000]) {
        const steps = stepsOf(start(settledMib, seconds), limitMib, eachMs);
        for (const step of steps) expect(step.limitMib).toBeLessThan(4 * limitMib);
        expect(steps.length).toBeLessThanOrEqual(2);
      }
    },
  );
});

describe('a burst of a container that has run for a minute', () => {
  it.each([
    [60, 100, 300, 160],
    [60, 150, 200, 160],
    [120, 150, 100, 160],
    [1550, 1900, 300, 2048],
  ])(
    'from %i to %i MiB within %i ms, of %i MiB, gets no more than what it took in each of 15 s',
    (from, to, withinMs, limitMib) => {
      const burst = (ms: number): number => from + (to - from) * Math.min(1, Math.max(0, (ms - 5000) / withinMs));
      const steps = stepsOf(burst, limitMib, 100, -60_000);
      for (const step of steps) expect(step.limitMib).toBeLessThanOrEqual(to + 15 * (to - from) + 1);
    },
  );
});
