import { describe, expect, it } from 'vitest';
import type { Ending } from './container-process.ts';
import type { ContainerView } from './pod-status.ts';
import { podConditions, podStatus } from './pod-status.ts';

const AT = Date.UTC(2026, 0, 1);
const LATER = AT + 60_000;
const ADDRESSES = { hostIP: '10.0.0.1', podIP: '10.0.1.1' };
const RUN = { containerId: 'a'.repeat(64), cgroup: 'c', pid: 1, startedAtMs: AT };

function view(more: Partial<ContainerView> = {}): ContainerView {
  return {
    spec: { name: 'main', image: 'i' },
    run: RUN,
    last: undefined,
    over: false,
    restartCount: 0,
    started: true,
    ready: true,
    allocated: { requests: { cpu: '1' } },
    actuated: { requests: { cpu: '1' } },
    ...more,
  };
}

const ended = (exitCode: number): Partial<ContainerView> => {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  const last: Ending = { containerId: 'b'.repeat(64), startedAtMs: AT, finishedAtMs: LATER, exitCode, reason };
  return { run: undefined, over: true, started: false, ready: false, last };
};

const outlook = (main: readonly ContainerView[], init: readonly ContainerView[] = []) => ({
  init,
  main,
  resize: [],
  observedGeneration: 2,
  addresses: ADDRESSES,
});

describe('a pod’s status', () => {
  it('says what runs, where, and what was agreed to', () => {
    expect(podStatus(outlook([view()]), { phase: 'Pending' }, AT)).toMatchObject({
      phase: 'Running',
      observedGeneration: 2,
      hostIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.1.1' }],
      containerStatuses: [{ ready: true, allocatedResources: { cpu: '1' }, resources: { requests: { cpu: '1' } } }],
    });
  });

  it.each([
    ['Succeeded', [view(ended(0)), view(ended(0))]],
    ['Failed', [view(ended(0)), view(ended(1))]],
    ['Running', [view(ended(1)), view()]],
    ['Pending', [view({ run: undefined, started: false, ready: false })]],
  ])('is %s', (phase, main) => {
    expect(podStatus(outlook(main), { phase: 'Pending' }, AT).phase).toBe(phase);
  });

  it('is not ready before its init containers are done', () => {
    const waiting = view({ started: false, ready: false });
    const conditions = podStatus(outlook([view()], [waiting]), { phase: 'Pending' }, AT).conditions;
    expect(conditions?.find(({ type }) => type === 'Initialized')?.status).toBe('False');
    expect(conditions?.find(({ type }) => type === 'Ready')?.status).toBe('False');
  });
});

describe('its conditions', () => {
  const up = { initialized: true, ready: true };

  it('keep their time until they turn', () => {
    const before = podConditions(up, [], [], AT);
    const same = podConditions(up, [], before, LATER);
    expect(same).toEqual(before);
    const ready = podConditions({ ...up, ready: false }, [], before, LATER).find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', lastTransitionTime: '2026-01-01T00:01:00Z' });
  });

  it('show a resize only while it lasts, and keep what others wrote', () => {
    const foreign = { type: 'example.com/gate', status: 'True' as const, lastTransitionTime: '2026-01-01T00:00:00Z' };
    const pending = { type: 'PodResizePending' as const, reason: 'Deferred', message: 'm', observedGeneration: 2 };
    const during = podConditions(up, [pending], [foreign], AT);
    expect(during.map(({ type }) => type)).toEqual(expect.arrayContaining(['PodResizePending', 'example.com/gate']));
    const after = podConditions(up, [], during, LATER).map(({ type }) => type);
    expect(after).not.toContain('PodResizePending');
    expect(after).toContain('example.com/gate');
  });
});
