import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitraryPod,
  arbitraryShortage,
  containerOf,
  GIB,
  LEAK,
  MIB,
  NODE,
  patched,
  POD,
  THROTTLED,
  wirePod,
} from '../../test/fixtures/kube/pods.ts';
import { cpuMillis, memoryBytes } from '../kube/quantity.ts';
import type { ContainerRecord, PodRecord, ResourceAmounts } from '../kube/records.ts';
import type { Observation } from '../store/observation.ts';
import { decideResize } from './decide.ts';
import type { ResizeDecision, ResizeQuestion } from './decide.ts';
import { resizePatch } from './patch.ts';
import { qosClassOf } from './qos.ts';
import { amountOf } from './resource.ts';

const QUESTION: ResizeQuestion = {
  pod: POD,
  container: POD.containers[0]!,
  shortage: LEAK,
  observation: undefined,
  node: NODE,
  attempt: undefined,
  nowMs: 0,
};

function ask(pod: Partial<PodRecord>, part: Partial<ResizeQuestion> = {}): ResizeDecision {
  const whole = { ...POD, ...pod };
  return decideResize({ ...QUESTION, pod: whole, container: whole.containers[0]!, ...part });
}

function askWith(container: Partial<ContainerRecord>, part: Partial<ResizeQuestion> = {}): ResizeDecision {
  const containers = [containerOf(container)];
  return ask({ containers, qosClass: qosClassOf(containers) }, part);
}

function limitsOf(decision: ResizeDecision): ResourceAmounts {
  if (decision.action !== 'resize') throw new Error(`${decision.action}: ${decision.reason}`);
  return decision.target.limits;
}

describe('one step that lasts', () => {
  it('gives a leak that goes on what it takes in a minute', () => {
    const target = { container: 'app', requests: {}, limits: { memoryBytes: 660 * MIB } };
    for (const secondsOfGrowth of [60, 1e9]) {
      expect(ask({}, { shortage: { ...LEAK, secondsOfGrowth } })).toMatchObject({ action: 'resize', target });
    }
    // An agent that does not say how long.
    expect(ask({})).toMatchObject({ action: 'resize', target });
  });

  it('gives a growth what it takes as long as it is expected to go on, and at least half as much again', () => {
    const given = (secondsOfGrowth: number): ResourceAmounts => limitsOf(ask({}, { shortage: { ...LEAK, secondsOfGrowth } })); // prettier-ignore
    expect(given(20)).toEqual({ memoryBytes: 260 * MIB });
    for (const short of [3.6, 0]) expect(given(short)).toEqual({ memoryBytes: 96 * MIB });
  });

  it('gives a slow grower half as much again', () => {
    expect(limitsOf(ask({}, { shortage: { ...LEAK, rate: 1000 } }))).toEqual({ memoryBytes: 96 * MIB });
  });

  it('undoes the throttling with a margin, and at least doubles', () => {
    expect(limitsOf(ask({}, { shortage: THROTTLED }))).toEqual({ cpuMillis: 600 });
    expect(limitsOf(ask({}, { shortage: { ...THROTTLED, rate: 0.1 } }))).toEqual({ cpuMillis: 400 });
  });

  it('takes the observed need where it is the higher one', () => {
    const observation = {
      atBootMs: 0,
      receivedWallMs: 0,
      receivedMonoMs: 0,
      cpuMillis: 0,
      workingSetBytes: 0,
      memoryCurrentBytes: 900 * MIB,
      fileBytes: 100 * MIB,
      memoryLimitBytes: NaN,
      cpuLimitMillis: NaN,
    };
    expect(limitsOf(ask({}, { observation, shortage: { ...LEAK, rate: 0 } }))).toEqual({ memoryBytes: 800 * MIB });
  });

  it('counts no need that was read long ago', () => {
    const observation = { memoryCurrentBytes: 900 * MIB, fileBytes: 0, receivedMonoMs: 0 } as Observation;
    const shortage = { ...LEAK, rate: 0 };
    expect(limitsOf(ask({}, { observation, shortage, nowMs: 15_000 }))).toEqual({ memoryBytes: 900 * MIB });
    expect(limitsOf(ask({}, { observation, shortage, nowMs: 15_001 }))).toEqual({ memoryBytes: 96 * MIB });
  });

  it('stops at the maximum to the byte', () => {
    const annotations = { ...POD.annotations, 'headroom.dev/max-memory': '100000001' };
    expect(limitsOf(ask({ annotations }))).toEqual({ memoryBytes: 100_000_001 });
  });

  it('prefers the maximum of the container over that of the pod', () => {
    const annotations = { ...POD.annotations, 'headroom.dev/max-memory.app': '80Mi' };
    expect(limitsOf(ask({ annotations }))).toEqual({ memoryBytes: 80 * MIB });
  });

  it('moves request and limit of a Guaranteed container together', () => {
    const amounts = { cpuMillis: 200, memoryBytes: 64 * MIB };
    expect(askWith({ requests: amounts, limits: amounts })).toMatchObject({
      target: { requests: { memoryBytes: 660 * MIB }, limits: { memoryBytes: 660 * MIB } },
    });
  });
});

describe('what is never resized', () => {
  const noMax = { 'headroom.dev/resize': 'true' };
  it.each<[string, string, Partial<PodRecord>]>([
    ['a pod that does not ask', 'not-asked', { annotations: {} }],
    ['a pod without a maximum', 'no-maximum', { annotations: noMax }],
    ['a malformed maximum', 'malformed-maximum', { annotations: { ...noMax, 'headroom.dev/max-memory': '1 GB' } }],
    ['a maximum of zero', 'malformed-maximum', { annotations: { ...noMax, 'headroom.dev/max-memory': '0' } }],
    ['a terminating pod', 'pod-state', { terminating: true }],
    ['a pod that has ended', 'pod-state', { phase: 'Succeeded' }],
    ['a mirror pod', 'unsupported', { isMirror: true }],
    ['a static pod', 'unsupported', { configHash: 'f00' }],
    ['a Windows pod', 'unsupported', { isWindows: true }],
    ['a pod with resources of its own', 'unsupported', { hasPodLevelResources: true }],
    ['a BestEffort pod', 'qos', { qosClass: 'BestEffort' }],
    ['a pod whose class is not what its containers say', 'qos', { qosClass: 'Guaranteed' }],
  ])('%s is skipped: %s', (_what, code, pod) => {
    expect(ask(pod)).toMatchObject({ action: 'skip', code });
  });

  it.each<[string, string, Partial<ContainerRecord>]>([
    ['an init container', 'unsupported', { kind: 'init' }],
    ['a container that does not run', 'container-state', { running: false }],
    ['a container on a node without support', 'unsupported', { resizable: false }],
    ['a container that would be restarted', 'restart', { restartOnResize: { cpu: false, memory: true } }],
    ['a container with claims', 'unsupported', { hasClaims: true }],
    ['a container without a limit', 'no-limit', { limits: { cpuMillis: 200 } }],
    ['a container at its maximum', 'at-maximum', { limits: { memoryBytes: 1000 * MIB } }],
    ['a container as big as its node', 'node-allocatable', { limits: { memoryBytes: 15.9 * GIB } }],
  ])('%s is skipped: %s', (_what, code, container) => {
    const annotations = {
      ...POD.annotations,
      ...(code === 'node-allocatable' ? { 'headroom.dev/max-memory': '1Ti' } : {}),
    };
    const containers = [containerOf(container)];
    const shortage = { ...LEAK, limit: containers[0]!.limits.memoryBytes ?? 0 };
    expect(ask({ annotations, containers, qosClass: 'Burstable' }, { shortage })).toMatchObject({
      action: 'skip',
      code,
    });
  });

  it('is restarted only where the pod allows it, and for that resource', () => {
    const restartOnResize = { cpu: false, memory: true };
    expect(askWith({ restartOnResize }, { shortage: THROTTLED }).action).toBe('resize');
    const annotations = { ...POD.annotations, 'headroom.dev/allow-restart': 'true' };
    expect(ask({ annotations, containers: [containerOf({ restartOnResize })] }).action).toBe('resize');
  });

  it('skips while the node is not known', () => {
    expect(ask({}, { node: undefined })).toMatchObject({ action: 'skip', code: 'node-unknown' });
  });
});

describe('waiting', () => {
  it('waits while a resize of the pod is in flight, and while it backs off', () => {
    const attempt = { inFlight: false, failures: 1, untilMs: 5000, reason: 'HTTP 403' };
    expect(ask({}, { attempt: { ...attempt, inFlight: true } })).toMatchObject({ action: 'wait' });
    expect(ask({}, { attempt })).toEqual({ action: 'wait', reason: 'backing off: HTTP 403', untilMs: 5000 });
    expect(ask({}, { attempt, nowMs: 5000 }).action).toBe('resize');
  });

  it('waits while the kubelet has an earlier resize pending, but not when a lowering can not be done', () => {
    const condition = { type: 'PodResizePending', reason: 'Deferred', message: '' };
    expect(ask({ resizeConditions: [condition] }).action).toBe('wait');
    expect(ask({ resizeConditions: [{ ...condition, type: 'PodResizeInProgress', reason: '' }] }).action).toBe('wait');
    expect(ask({ resizeConditions: [{ ...condition, type: 'PodResizeInProgress', reason: 'Error' }] }).action).toBe(
      'resize',
    );
  });

  it('does not raise twice for a shortage that was judged against the old limit', () => {
    expect(askWith({ limits: { memoryBytes: 660 * MIB } })).toMatchObject({ action: 'wait' });
  });

  it('raises no memory limit that the need is far from, whatever limit the agent judged it against', () => {
    const far = { ...LEAK, need: 10 * MIB, rate: 0, limit: 1e300 };
    expect(ask({}, { shortage: far }).action).toBe('wait');
    expect(ask({}, { shortage: { ...far, need: 52 * MIB } }).action).toBe('resize');
    expect(ask({}, { shortage: { ...far, rate: 5 * MIB } }).action).toBe('wait');
    expect(ask({}, { shortage: { ...far, rate: 6 * MIB } }).action).toBe('resize');
  });

  it('does not raise a small cpu limit twice for one shortage', () => {
    const limits = { cpuMillis: 10, memoryBytes: 64 * MIB };
    expect(askWith({ limits }, { shortage: { ...THROTTLED, need: 5, limit: 5 } }).action).toBe('wait');
    expect(askWith({ limits }, { shortage: { ...THROTTLED, need: 10, limit: 9.99 } }).action).toBe('resize');
  });

  it('takes a limit that the kernel rounded to a page for the same one', () => {
    const limit = 64 * MIB + 1;
    expect(askWith({ limits: { memoryBytes: limit } }, { shortage: { ...LEAK, limit: 64 * MIB } }).action).toBe(
      'resize',
    );
  });
});

/** Runs `check` on every resize that is decided, and makes sure that there are some. */
function forEveryResize(
  check: (before: PodRecord, after: PodRecord, question: ResizeQuestion) => void,
  pods = arbitraryPod,
): void {
  let resizes = 0;
  const one = (pod: PodRecord, said: ResizeQuestion['shortage'], at: number, near: boolean): void => {
    const index = at % pod.containers.length;
    const container = pod.containers[index]!;
    // Half of them are short of the very limit, which a number from anywhere seldom is.
    const shortage = near ? { ...said, need: 0.9 * (amountOf(container.limits, said.resource) ?? 0) } : said;
    const question = { ...QUESTION, pod, container, shortage };
    const decision = decideResize(question);
    if (decision.action !== 'resize') return;
    resizes += 1;
    check(pod, patched(wirePod(pod), resizePatch(pod, index, decision.target)), question);
  };
  fc.assert(fc.property(pods, arbitraryShortage, fc.nat(7), fc.boolean(), one), { numRuns: 4000 });
  expect(resizes).toBeGreaterThan(50);
}

function amountsOf({ containers }: PodRecord): number[][] {
  return containers.map(({ requests, limits }) =>
    [requests.cpuMillis, requests.memoryBytes, limits.cpuMillis, limits.memoryBytes].map((amount) => amount ?? NaN),
  );
}

function requestedBytes({ containers }: PodRecord): number {
  const counted = containers.filter(({ kind }) => kind !== 'init');
  return counted.reduce((total, { requests }) => total + (requests.memoryBytes ?? 0), 0);
}

describe('do no harm: whatever the pod and the shortage, a resize', () => {
  it('keeps the QoS class', () => {
    forEveryResize((before, after) => expect(qosClassOf(after.containers)).toBe(before.qosClass));
  });

  it('neither removes nor adds nor lowers a request or limit', () => {
    forEveryResize((before, after) => {
      const old = amountsOf(before).flat();
      const now = amountsOf(after).flat();
      expect(now.map(Number.isNaN)).toEqual(old.map(Number.isNaN));
      for (const [at, amount] of now.entries()) expect(amount >= old[at]! || Number.isNaN(amount)).toBe(true);
    });
  });

  it('changes one resource of one container', () => {
    forEveryResize((before, after, { container, shortage }) => {
      const touched = after.containers.filter(
        (_, at) => JSON.stringify(amountsOf(after)[at]) !== JSON.stringify(amountsOf(before)[at]),
      );
      expect(touched.map(({ name }) => name)).toEqual([container.name]);
      const other = shortage.resource === 'memory' ? 'cpuMillis' : 'memoryBytes';
      expect(touched[0]!.limits[other]).toBe(container.limits[other]);
      expect(touched[0]!.requests[other]).toBe(container.requests[other]);
    });
  });

  it('stays at or under the maximum, the node, and over the need', () => {
    forEveryResize((before, after, { container, shortage }) => {
      const { annotations } = before;
      const own = annotations[`headroom.dev/max-${shortage.resource}.${container.name}`];
      const max = own ?? annotations[`headroom.dev/max-${shortage.resource}`] ?? '';
      const { limits } = after.containers.find(({ name }) => name === container.name)!;
      const amount = shortage.resource === 'memory' ? limits.memoryBytes! : limits.cpuMillis!;
      const allowed = shortage.resource === 'memory' ? memoryBytes(max) : cpuMillis(max);
      const node = shortage.resource === 'memory' ? NODE.allocatable.memoryBytes! : NODE.allocatable.cpuMillis!;
      expect(amount).toBeLessThanOrEqual(Number(allowed));
      expect(amount).toBeLessThanOrEqual(node);
      expect(amount).toBeGreaterThanOrEqual(Number.isFinite(shortage.need) ? shortage.need : 0);
    });
  });

  it('leaves no request above its limit', () => {
    forEveryResize((_before, after) => {
      for (const { requests, limits } of after.containers) {
        expect(requests.memoryBytes ?? 0).toBeLessThanOrEqual(limits.memoryBytes ?? Infinity);
        expect(requests.cpuMillis ?? 0).toBeLessThanOrEqual(limits.cpuMillis ?? Infinity);
      }
    });
  });

  it('keeps the requests of a Guaranteed pod within the node', () => {
    let raised = 0;
    // Those that may be raised, so that a run without any can't be luck.
    const mayRise = { 'headroom.dev/resize': 'true', 'headroom.dev/max-memory': '16Gi' };
    const guaranteedPod = arbitraryPod
      .filter(({ qosClass }) => qosClass === 'Guaranteed')
      .map((pod) => ({
        ...pod,
        phase: 'Running',
        resizeConditions: [],
        annotations: { ...pod.annotations, ...mayRise },
      }));
    forEveryResize((before, after) => {
      if (requestedBytes(after) <= requestedBytes(before)) return;
      raised += 1;
      expect(requestedBytes(after)).toBeLessThanOrEqual(NODE.allocatable.memoryBytes!);
    }, guaranteedPod);
    expect(raised).toBeGreaterThan(5);
  });

  it('is of a pod that asks, lives, and may be resized', () => {
    forEveryResize((before, _after, { container, shortage }) => {
      expect(before.annotations['headroom.dev/resize']).toBe('true');
      expect(before).toMatchObject({ phase: expect.not.stringMatching(/Failed|Succeeded/) as string });
      expect([before.terminating, before.isMirror, before.isWindows, before.hasPodLevelResources]).not.toContain(true);
      expect(before.containers.map(({ hasClaims }) => hasClaims)).not.toContain(true);
      expect(before.resizeConditions).toEqual([]);
      expect(container).toMatchObject({ running: true, resizable: true });
      expect(container.kind).not.toBe('init');
      const restarts = container.restartOnResize[shortage.resource];
      expect(!restarts || before.annotations['headroom.dev/allow-restart'] === 'true').toBe(true);
    });
  });
});
