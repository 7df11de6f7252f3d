import { describe, expect, it } from 'vitest';
import { fakeTime } from '../test/fakes/fake-node.ts';
import { SLOTS, Tick } from './tick.ts';
import type { TickFigures, TickWork } from './tick.ts';

const SECOND = 1000;

/** Work of `steps` steps a slot, each of which takes `stepMs`. */
function workOf(
  steps: (tick: number, slot: number) => number,
  stepMs: number,
  wants: (slot: number) => boolean = () => true,
) {
  const time = fakeTime();
  const begun: { tick: number; atMs: number }[] = [];
  const ended: TickFigures[] = [];
  const slots: number[] = [];
  let [tick, left, slotNow] = [0, 0, -1];
  let longestRun = 0;
  let run = 0;
  const work: TickWork = {
    begin: (n) => {
      begun.push({ tick: n, atMs: time.timers.monotonicMs() });
      tick = n;
      slotNow = -1;
    },
    wants,
    step: (slot) => {
      if (slot !== slotNow) slots.push(time.timers.monotonicMs());
      if (slot !== slotNow) [slotNow, left, run] = [slot, steps(tick, slot), 0];
      if (left === 0) return false;
      left--;
      time.spend(stepMs);
      longestRun = Math.max(longestRun, ++run);
      return true;
    },
    endSlot: () => {},
    end: (figures) => ended.push(figures),
  };
  // a slice gives the loop back by asking for `soon`
  const timers = {
    ...time.timers,
    soon: (next: () => void) => ((run = 0), time.timers.soon(() => ((run = 0), next()))),
  };
  return { time, begun, ended, slots, tick: new Tick(work, timers), longestRun: () => longestRun };
}

describe('Tick', () => {
  it('begins each second on the second and never drifts, however long a tick works', () => {
    const { time, begun, tick } = workOf((n) => (n % 3) * 2, 0.3);
    tick.start();
    time.advance(100 * SECOND);
    tick.stop();
    expect(begun).toHaveLength(101);
    for (const { tick: n, atMs } of begun) expect(atMs).toBeCloseTo(n * SECOND, 6);
  });

  it('skips ticks that come late instead of piling them up, and counts them', () => {
    const { time, begun, ended, tick } = workOf((n, slot) => (n === 2 && slot === 4 ? 1 : 0), 4321);
    tick.start();
    time.advance(12 * SECOND);
    tick.stop();
    expect(begun.map(({ tick: n }) => n)).toEqual([0, 1, 2, 6, 7, 8, 9, 10, 11, 12]);
    expect(ended.map(({ skipped }) => skipped).filter((skipped) => skipped > 0)).toEqual([3]);
    expect(begun.at(-1)?.atMs).toBeCloseTo(12 * SECOND, 6);
  });

  it('counts ticks that were slept through', () => {
    const { time, begun, ended, tick } = workOf(() => 0, 0);
    tick.start();
    time.advance(1500);
    time.spend(5000);
    time.advance(1400);
    tick.stop();
    expect(begun.map(({ tick: n }) => n)).toEqual([0, 1, 6, 7]);
    expect(ended.reduce((sum, { skipped }) => sum + skipped, 0)).toBe(4);
  });

  it('yields to the event loop before a slice passes a millisecond', () => {
    const { time, ended, tick, longestRun } = workOf(() => 40, 0.1);
    tick.start();
    time.advance(3 * SECOND);
    tick.stop();
    expect(longestRun()).toBeLessThan(10);
    for (const { maxSliceMs } of ended) expect(maxSliceMs).toBeLessThan(1);
    expect(ended[0]?.busyMs).toBeCloseTo(SLOTS * 40 * 0.1, 6);
  });

  it('sleeps through slots without work', () => {
    const { time, slots, tick } = workOf(
      () => 1,
      0.1,
      (slot) => slot % 5 === 0,
    );
    tick.start();
    time.advance(1999);
    tick.stop();
    expect(slots.map((ms) => Math.round(ms))).toEqual([0, 500, 1000, 1500]);
  });

  it('wakes in the next slot when told of work, once, and not in the one that runs', () => {
    let wanted = false;
    const { time, slots, tick } = workOf(
      () => 1,
      0.1,
      (slot) => slot === 5 || wanted,
    );
    tick.start();
    tick.wake();
    time.advance(730);
    tick.wake();
    tick.wake();
    time.advance(200);
    wanted = true;
    tick.wake();
    time.advance(1200 - 930);
    tick.stop();
    expect(slots.map((ms) => Math.round(ms))).toEqual([0, 500, 800, 1000, 1100, 1200]);
    const before = slots.length;
    tick.wake();
    time.advance(SECOND);
    expect(slots).toHaveLength(before);
  });

  it('does nothing more once stopped', () => {
    const { time, begun, tick } = workOf(() => 1, 0.1);
    tick.start();
    time.advance(SECOND);
    tick.stop();
    const before = begun.length;
    time.advance(5 * SECOND);
    expect(begun).toHaveLength(before);
  });
});
