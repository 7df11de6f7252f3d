// The kubelet of the standalone with real processes in real cgroups: demo pods resized by the real kubectl.
// It needs the right to make cgroups; without it the test of the refusal runs instead, and the reason is printed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hierarchy } from '../../agent/cgroup/hierarchy.ts';
import { openHierarchy } from '../../agent/cgroup/hierarchy.ts';
import { silentLogger } from '../../agent/runtime/logger.ts';
import type { KubeEvent, Pod } from '../../aggregator/standalone/api/objects.ts';
import { demoPods } from '../../aggregator/standalone/demo/demo-pods.ts';
import { createCgroupWriter } from '../../aggregator/standalone/kubelet/cgroup-writer.ts';
import type { Kubelet, OwnPod } from '../../aggregator/standalone/kubelet/kubelet.ts';
import { createKubelet } from '../../aggregator/standalone/kubelet/kubelet.ts';
import type { TestCluster } from './standalone-cluster.ts';
import { startCluster, until } from './standalone-cluster.ts';

const MIB = 1024 * 1024;
/** Beside any launcher of the same machine. */
const FOLDER = `headroom-${900_000 + (process.pid % 90_000)}`;
const CAPACITY = { cpuMillis: 2000, memoryBytes: 2048 * MIB };

/** A Node that does not strip types runs the compiled workload (npm test builds first). */
function runnable(pod: OwnPod): OwnPod {
  if ('typescript' in process.features && process.features.typescript) return pod;
  const script = new URL('../../dist/aggregator/standalone/demo/workload.js', import.meta.url).pathname;
  if (!existsSync(script)) throw new Error(`${script} is missing: npm run build`);
  return { ...pod, programs: new Map([...pod.programs].map(([name, program]) => [name, { ...program, script }])) };
}

let cluster: TestCluster;
let kubelet: Kubelet;
let hierarchy: Hierarchy;

beforeAll(async () => {
  cluster = await startCluster();
  hierarchy = openHierarchy('/sys/fs/cgroup');
  kubelet = createKubelet({
    log: silentLogger,
    wallTimeMs: Date.now,
    store: cluster.store,
    nodeName: 'n1',
    capacity: CAPACITY,
    writer: createCgroupWriter(hierarchy, FOLDER),
    backoff: { firstMs: 100, mostMs: 1000, forgottenAfterMs: 60_000 },
  });
  for (const pod of demoPods(10, () => undefined)) {
    if (pod.name === 'steady' || pod.name === 'leak') kubelet.run(runnable(pod));
  }
  if (kubelet.noRights !== undefined) console.warn(`no cgroups can be made here: ${kubelet.noRights}`);
});

afterAll(async () => {
  await kubelet.stop();
  await cluster.close();
});

const pod = (name: string): Pod => cluster.store.get('pods', 'demo', name) as Pod;
const condition = (name: string, type: string) => pod(name).status.conditions?.find((one) => one.type === type);
const reasons = (name: string): readonly string[] =>
  (cluster.store.list('events') as KubeEvent[])
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason = '' }) => reason);
const resize = (name: string, limits: Record<string, string>, requests: Record<string, string> = {}) =>
  cluster.kubectl(
    'patch',
    'pod',
    name,
    '-n',
    'demo',
    '--subresource',
    'resize',
    '-p',
    JSON.stringify({ spec: { containers: [{ name: 'main', resources: { limits, requests } }] } }),
  );

function limitInKernel(name: string): number {
  const { metadata, status } = pod(name);
  const id = status.containerStatuses?.[0]?.containerID?.replace(/^.*:\/\//, '');
  const directory = hierarchy.path('memory', `${FOLDER}/kubepods/burstable/pod${metadata.uid}/${id}`);
  return Number(
    readFileSync(join(directory, hierarchy.isV1('memory') ? 'memory.limit_in_bytes' : 'memory.max'), 'latin1'),
  );
}

describe('resize of a running pod', () => {
  it('reaches the kernel, then the status, with its events, and nothing restarts', async (context) => {
    if (kubelet.noRights !== undefined) return context.skip(`no rights: ${kubelet.noRights}`);
    expect(limitInKernel('steady')).toBe(256 * MIB);
    expect(await resize('steady', { memory: '300Mi', cpu: '600m' })).toMatchObject({ code: 0, stderr: '' });
    await until('ResizeCompleted', () => reasons('steady').includes('ResizeCompleted') || undefined);
    expect(limitInKernel('steady')).toBe(300 * MIB);
    const { status, metadata } = pod('steady');
    expect(status.containerStatuses?.[0]).toMatchObject({
      restartCount: 0,
      resources: { limits: { memory: '300Mi', cpu: '600m' } },
    });
    expect(status.observedGeneration).toBe(metadata.generation);
    expect(condition('steady', 'PodResizeInProgress')).toBeUndefined();
    expect(reasons('steady')).toContain('ResizeStarted');
    const described = await cluster.kubectl('describe', 'pod', 'steady', '-n', 'demo');
    expect(described.stdout).toContain('ResizeCompleted');
    expect((await cluster.kubectl('get', 'events', '-n', 'demo')).stdout).toMatch(
      /Normal +ResizeCompleted +pod\/steady/,
    );
  });

  it('is not lowered under what is in use, and completes when it is taken back', async (context) => {
    if (kubelet.noRights !== undefined) return context.skip(`no rights: ${kubelet.noRights}`);
    await until('50 MiB held', () => memoryInUse('steady') > 60 * MIB || undefined);
    await resize('steady', { memory: '40Mi' }, { memory: '32Mi' });
    const error = await until('the error', () =>
      condition('steady', 'PodResizeInProgress')?.reason === 'Error'
        ? condition('steady', 'PodResizeInProgress')
        : undefined,
    );
    expect(error?.message).toMatch(/memory limit \(41943040\) below current usage \(\d+\)/);
    expect(limitInKernel('steady')).toBe(300 * MIB);
    await resize('steady', { memory: '300Mi' }, { memory: '64Mi' });
    await until('the end of the condition', () => (condition('steady', 'PodResizeInProgress') ? undefined : true));
    expect(limitInKernel('steady')).toBe(300 * MIB);
  });

  it('waits while the node is full and goes on when there is room', async () => {
    await resize('leak', { cpu: '1900m' }, { cpu: '1900m' });
    await until('fitting', () => (condition('leak', 'PodResizePending') ? undefined : true));
    await resize('steady', { cpu: '600m' }, { cpu: '300m' });
    const pending = await until('Deferred', () => condition('steady', 'PodResizePending'));
    expect(pending).toMatchObject({
      reason: 'Deferred',
      message: "Node didn't have enough resource: cpu, requested: 300, used: 1900, capacity: 2000",
    });
    await resize('leak', { cpu: '500m' }, { cpu: '50m' });
    await until('the waiting resize', () => (condition('steady', 'PodResizePending') ? undefined : true));
    expect(pod('steady').status.containerStatuses?.[0]?.allocatedResources?.['cpu']).toBe('300m');
  });

  it('starts a container again that the kernel killed, and says OOMKilled', async (context) => {
    if (kubelet.noRights !== undefined) return context.skip(`no rights: ${kubelet.noRights}`);
    const status = await until(
      'an OOM kill',
      () => {
        const found = pod('leak').status.containerStatuses?.[0];
        return found && found.restartCount > 0 && found.ready ? found : undefined;
      },
      40_000,
    );
    expect(status.lastState.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
    expect(limitInKernel('leak')).toBe(128 * MIB);
  });

  it('ends a deleted pod with its cgroup', async () => {
    const { metadata } = pod('leak');
    const cgroup = hierarchy.path('memory', `${FOLDER}/kubepods/burstable/pod${metadata.uid}`);
    expect(await cluster.kubectl('delete', 'pod', 'leak', '-n', 'demo')).toMatchObject({ code: 0 });
    await until('the cgroup to go', () => {
      try {
        readFileSync(join(cgroup, 'cgroup.procs'));
        return undefined;
      } catch {
        return true;
      }
    });
  });
});

describe('without the right to write cgroups', () => {
  it('runs the pod, and records at the resize that the kernel was not told, and why', async () => {
    const other = await startCluster();
    const refused = { kind: 'refused', cause: 'EACCES: permission denied' } as const;
    const writer = {
      ...createCgroupWriter(hierarchy, FOLDER),
      make: () => refused,
      write: () => refused,
      enter: () => refused,
      remove: () => ({ kind: 'written' }) as const,
    };
    const powerless = createKubelet({
      log: silentLogger,
      wallTimeMs: Date.now,
      store: other.store,
      nodeName: 'n1',
      capacity: CAPACITY,
      writer,
    });
    try {
      powerless.run(runnable(demoPods(10, () => undefined)[0]!));
      const patch = JSON.stringify({
        spec: { containers: [{ name: 'main', resources: { limits: { memory: '300Mi' } } }] },
      });
      await other.kubectl('patch', 'pod', 'steady', '-n', 'demo', '--subresource', 'resize', '-p', patch);
      await until('ResizeError', () =>
        (other.store.list('events') as KubeEvent[]).find(({ reason }) => reason === 'ResizeError'),
      );
      const found = (other.store.get('pods', 'demo', 'steady') as Pod).status;
      expect(found.conditions?.find(({ type }) => type === 'PodResizeInProgress')).toMatchObject({
        reason: 'Error',
        message: 'EACCES: permission denied',
      });
      expect(found.containerStatuses?.[0]?.resources?.limits?.['memory']).toBe('256Mi');
    } finally {
      await powerless.stop();
      await other.close();
    }
  });
});

function memoryInUse(name: string): number {
  const { metadata } = pod(name);
  const directory = hierarchy.path('memory', `${FOLDER}/kubepods/burstable/pod${metadata.uid}`);
  return Number(
    readFileSync(join(directory, hierarchy.isV1('memory') ? 'memory.usage_in_bytes' : 'memory.current'), 'latin1'),
  );
}
