import { describe, expect, it } from 'vitest';
import { containerOf, MIB, POD } from '../../test/fixtures/kube/pods.ts';
import type { PodRecord } from '../kube/records.ts';
import type { Observation } from '../store/observation.ts';
import { resizeOutcome } from './outcome.ts';

const TARGET = { container: 'app', requests: {}, limits: { memoryBytes: 96 * MIB } };
const CPU = { container: 'app', requests: {}, limits: { cpuMillis: 105 } };
const RESIZED: PodRecord = {
  ...POD,
  generation: 2,
  observedGeneration: 2,
  containers: [containerOf({ limits: { cpuMillis: 105, memoryBytes: 96 * MIB } })],
};

function observed(memoryLimitBytes: number, cpuLimitMillis = 100): Observation {
  const rest = {
    atBootMs: 0,
    receivedWallMs: 0,
    receivedMonoMs: 0,
    cpuMillis: 0,
    workingSetBytes: 0,
    memoryCurrentBytes: 0,
  };
  return { ...rest, fileBytes: 0, memoryLimitBytes, cpuLimitMillis };
}

function withCondition(type: string, reason: string, message = ''): PodRecord {
  return { ...RESIZED, resizeConditions: [{ type, reason, message }] };
}

describe('the outcome of a resize', () => {
  it('is applied when the cgroup has the target, and only then', () => {
    expect(resizeOutcome(RESIZED, TARGET, observed(96 * MIB), 2).kind).toBe('applied');
    for (const other of [64 * MIB, 97 * MIB, Infinity, NaN]) {
      expect(resizeOutcome(RESIZED, TARGET, observed(other), 2).kind).toBe('in-progress');
    }
    expect(resizeOutcome(RESIZED, TARGET, undefined, 2).kind).toBe('in-progress');
  });

  it('allows the kernel its pages and the driver its 10 ms', () => {
    expect(resizeOutcome(RESIZED, TARGET, observed(96 * MIB - 4096), 2).kind).toBe('applied');
    expect(resizeOutcome(RESIZED, TARGET, observed(96 * MIB - 65_536), 2).kind).toBe('in-progress');
    expect(resizeOutcome(RESIZED, CPU, observed(0, 110), 2).kind).toBe('applied');
    expect(resizeOutcome(RESIZED, CPU, observed(0, 105), 2).kind).toBe('applied');
    expect(resizeOutcome(RESIZED, CPU, observed(0, 100), 2).kind).toBe('in-progress');
    expect(resizeOutcome(RESIZED, CPU, observed(0, 116), 2).kind).toBe('in-progress');
  });

  it.each([
    ['PodResizePending', 'Deferred', 'deferred'],
    ['PodResizePending', 'Infeasible', 'infeasible'],
    ['PodResizeInProgress', '', 'in-progress'],
    ['PodResizeInProgress', 'Error', 'error'],
  ])('is what condition %s %s says: %s', (type, reason, kind) => {
    expect(resizeOutcome(withCondition(type, reason, 'why'), TARGET, undefined, 2)).toEqual({ kind, reason: 'why' });
  });

  it('does not believe a condition from before the resize', () => {
    const stale = { ...withCondition('PodResizePending', 'Infeasible'), observedGeneration: 1 };
    expect(resizeOutcome(stale, TARGET, undefined, 2)).toMatchObject({
      kind: 'in-progress',
      reason: expect.stringContaining('not seen') as string,
    });
  });

  it('is superseded when the spec says something else by now', () => {
    const changed = { ...RESIZED, generation: 3, containers: [containerOf({ limits: { memoryBytes: 80 * MIB } })] };
    expect(resizeOutcome(changed, TARGET, undefined, 2).kind).toBe('superseded');
    expect(resizeOutcome({ ...changed, generation: 1 }, TARGET, undefined, 2).kind).toBe('in-progress');
  });
});
