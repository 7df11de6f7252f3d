import { describe, expect, it } from 'vitest';
import type { KubeletState, Turn } from './turn.ts';
import { fallbackAfterMs, nextDue } from './turn.ts';

const RESOLUTION_MS = 15_000;

function turn(state: KubeletState, dueMonoMs = 1000): Turn {
  const node = { name: 'n1', addresses: [], statusPort: 0, path: '/' };
  return { node, addedMonoMs: 0, dueMonoMs, underWay: false, history: undefined, state };
}

function failing(failures: number): KubeletState {
  return { kind: 'failed', reason: 'timeout', detail: '', failures, sinceWallMs: 0 };
}

describe('nextDue', () => {
  it('keeps the node’s place in the period, however long the scrape took', () => {
    expect(nextDue(turn({ kind: 'first' }), RESOLUTION_MS, 9000)).toBe(16_000);
  });

  it('does not make up for periods that were missed', () => {
    expect(nextDue(turn({ kind: 'first' }), RESOLUTION_MS, 100_000)).toBe(115_000);
  });

  it.each([
    [1, 16_000],
    [2, 31_000],
    [3, 61_000],
    [50, 61_000],
  ])('asks ever less often a node that has failed %d times', (failures, due) => {
    expect(nextDue(turn(failing(failures)), RESOLUTION_MS, 2000)).toBe(due);
  });

  it('is nothing while the node’s agent is alive', () => {
    expect(nextDue(turn({ kind: 'agent' }, NaN), RESOLUTION_MS, 2000)).toBeNaN();
  });
});

describe('fallbackAfterMs', () => {
  it.each([
    [60_000, 15_000, 25_000],
    [120_000, 15_000, 60_000],
    [60_000, 30_000, 10_000],
    [12_000, 15_000, 6000],
  ])('of staleness %d and period %d is %d', (stalenessMs, resolutionMs, afterMs) => {
    expect(fallbackAfterMs(stalenessMs, resolutionMs)).toBe(afterMs);
  });
});
