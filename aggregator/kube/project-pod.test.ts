import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { projectNode } from './project-node.ts';
import { projectPod } from './project-pod.ts';
import type { WirePod } from './wire.ts';

const ID = 'ab'.repeat(32);

const POD: WirePod = {
  metadata: {
    uid: 'u1',
    name: 'web-0',
    namespace: 'shop',
    generation: 3,
    labels: { app: 'web' },
    annotations: { 'headroom.dev/resize': 'true', 'example.org/other': 'x' },
  },
  spec: {
    nodeName: 'n1',
    containers: [
      {
        name: 'app',
        resources: { requests: { cpu: '0.25', memory: '64Mi', 'example.org/gpu': '1' }, limits: { memory: '128Mi' } },
        resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }],
      },
      { name: 'plain' },
    ],
    initContainers: [{ name: 'setup' }, { name: 'proxy', restartPolicy: 'Always' }],
  },
  status: {
    phase: 'Running',
    qosClass: 'Burstable',
    observedGeneration: 2,
    conditions: [{ type: 'Ready' }, { type: 'PodResizePending', reason: 'Deferred', message: 'no room' }],
    containerStatuses: [{ name: 'app', containerID: `containerd://${ID}`, state: { running: {} }, resources: {} }],
  },
};

function list(value: unknown): unknown {
  return Array.isArray(value) ? [{}, { resources: null, state: null }] : null;
}

describe('the projection of a pod', () => {
  it('keeps what attribution and resizing need, and no more', () => {
    expect(projectPod(POD)).toEqual({
      uid: 'u1',
      namespace: 'shop',
      name: 'web-0',
      nodeName: 'n1',
      labels: { app: 'web' },
      annotations: { 'headroom.dev/resize': 'true' },
      phase: 'Running',
      ready: false,
      qosClass: 'Burstable',
      terminating: false,
      isMirror: false,
      isWindows: false,
      hasPodLevelResources: false,
      generation: 3,
      observedGeneration: 2,
      resizeConditions: [{ type: 'PodResizePending', reason: 'Deferred', message: 'no room' }],
      containers: [
        {
          name: 'app',
          containerId: ID,
          running: true,
          kind: 'container',
          requests: { cpuMillis: 250, memoryBytes: 64 * 2 ** 20 },
          limits: { memoryBytes: 128 * 2 ** 20 },
          rawResources: { requests: { cpu: '0.25', memory: '64Mi' }, limits: { memory: '128Mi' } },
          resizable: true,
          restartOnResize: { cpu: false, memory: true },
          hasClaims: false,
        },
        ...(['plain', 'setup', 'proxy'] as const).map((name) => ({
          name,
          containerId: '',
          running: false,
          kind: { plain: 'container', setup: 'init', proxy: 'sidecar' }[name],
          requests: {},
          limits: {},
          rawResources: {},
          resizable: false,
          restartOnResize: { cpu: false, memory: false },
          hasClaims: false,
        })),
      ],
    });
  });

  it.each([
    ['a mirror annotation', { annotations: { 'kubernetes.io/config.mirror': 'h' } }],
    ['an owner of kind Node', { ownerReferences: [{ kind: 'Node' }] }],
  ])('knows a static pod by %s', (_what, meta) => {
    expect(projectPod({ ...POD, metadata: { ...POD.metadata, ...meta } })?.isMirror).toBe(true);
  });

  it('knows a pod that is ready, and why a container waits', () => {
    const pod = projectPod({
      ...POD,
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'app', state: { waiting: { reason: 'CrashLoopBackOff' } } }],
      },
    });
    expect(pod).toMatchObject({ ready: true, containers: [{ name: 'app', waiting: 'CrashLoopBackOff' }, {}, {}, {}] });
  });

  it('gives the config hash of a static pod, which is the uid in its cgroup path', () => {
    const metadata = { ...POD.metadata, annotations: { 'kubernetes.io/config.hash': 'f00' } };
    expect(projectPod({ ...POD, metadata })?.configHash).toBe('f00');
  });

  it('sees pod-level resources, claims, Windows and the end', () => {
    const pod = projectPod({
      metadata: { ...POD.metadata, deletionTimestamp: '2026-11-23T00:00:00Z' },
      spec: {
        os: { name: 'windows' },
        resources: { limits: { cpu: '1' } },
        containers: [{ name: 'a', resources: { claims: [{ name: 'gpu' }] } }],
      },
    });
    expect(pod).toMatchObject({ terminating: true, isWindows: true, hasPodLevelResources: true });
    expect(pod?.containers[0]?.hasClaims).toBe(true);
  });

  it('leaves out a quantity that can not be read, and keeps its text', () => {
    const container = { name: 'a', resources: { limits: { memory: 'much' } } };
    const pod = projectPod({ ...POD, spec: { containers: [container] } });
    expect(pod?.containers[0]).toMatchObject({ limits: {}, rawResources: { limits: { memory: 'much' } } });
  });

  it('never throws, whatever fields are null or missing', () => {
    const part = fc.constantFrom(null, undefined, {}, []);
    fc.assert(
      fc.property(part, part, part, part, part, (labels, annotations, containers, statuses, conditions) => {
        const pod = {
          metadata: { uid: 'u', name: 'n', labels, annotations },
          spec: { containers: list(containers), initContainers: list(statuses), resources: labels },
          status: { containerStatuses: list(statuses), conditions: list(conditions) },
        } as unknown as WirePod;
        expect(projectPod(pod)?.uid).toBe('u');
      }),
    );
    expect(projectPod({})).toBeUndefined();
  });
});

describe('the projection of a node', () => {
  it('keeps name, labels and what can be allocated', () => {
    const node = { metadata: { name: 'n1' }, status: { allocatable: { cpu: '3920m', memory: '15Gi', pods: '110' } } };
    expect(projectNode(node)).toEqual({
      name: 'n1',
      labels: {},
      allocatable: { cpuMillis: 3920, memoryBytes: 15 * 2 ** 30 },
    });
    expect(projectNode({})).toBeUndefined();
  });
});
