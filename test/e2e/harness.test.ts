// The harness itself, before anything is installed: a real control plane whose pods the harness's nodes run.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from '../../aggregator/standalone/api/objects.ts';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import { until } from './until.ts';

const MIB = 1024 * 1024;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    nodes: [
      { name: 'n1', cgroups: 'files', capacity: { cpuMillis: 2000, memoryBytes: 4096 * MIB } },
      { name: 'n2', cgroups: 'files', capacity: { cpuMillis: 2000, memoryBytes: 4096 * MIB } },
    ],
  });
});

afterAll(async () => {
  await cluster?.close();
});

async function pods(namespace: string, selector: string): Promise<readonly Pod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
  return (await cluster.kube.json<{ items: Pod[] }>('GET', path)).items;
}

async function readyPods(selector: string, count: number): Promise<readonly Pod[]> {
  return until(`${count} ready pods of ${selector}`, async () => {
    const found = await pods('default', selector);
    const ready = found.filter(({ status }) =>
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
    return found.length === count && ready.length === count ? found : undefined;
  });
}

const container = (name: string, requests: object, limits: object = requests) => ({
  name,
  image: 'registry.k8s.io/pause:3.10',
  resources: { requests, limits },
});

function deployment(name: string, replicas: number, containers: readonly object[]): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
    },
  };
}

const resize = (pod: string, resources: object) =>
  cluster.kubectl(
    'patch',
    'pod',
    pod,
    '--subresource=resize',
    '-p',
    JSON.stringify({ spec: { containers: [{ name: 'main', resources }] } }),
  );

const condition = (pod: Pod, type: string) => pod.status.conditions?.find((each) => each.type === type);

async function single(selector: string): Promise<Pod> {
  return (await pods('default', selector))[0]!;
}

describe('a deployment', () => {
  it('gets its pods from the real controller-manager, spread over the nodes, running and ready', async () => {
    await cluster.apply(deployment('web', 4, [container('main', { cpu: '100m', memory: '64Mi' })]));
    const found = await readyPods('app=web', 4);
    expect(new Set(found.map(({ spec }) => spec.nodeName))).toEqual(new Set(['n1', 'n2']));
    expect(new Set(found.map(({ status }) => status.podIP)).size).toBe(4);
    expect(await cluster.kubectlOk('rollout', 'status', 'deployment/web', '--timeout=20s')).toContain('successfully');
  });

  it('is scaled up and down', async () => {
    await cluster.kubectlOk('scale', 'deployment/web', '--replicas=6');
    expect(await readyPods('app=web', 6)).toHaveLength(6);
    await cluster.kubectlOk('scale', 'deployment/web', '--replicas=1');
    expect(await readyPods('app=web', 1)).toHaveLength(1);
  });
});

describe('a resize', () => {
  it('is accepted by the real API server, allocated, actuated and reported', async () => {
    const [pod] = await readyPods('app=web', 1);
    const { name } = pod!.metadata;
    const limits = { cpu: '200m', memory: '128Mi' };
    expect(await resize(name, { requests: limits, limits })).toMatchObject({ code: 0, stderr: '' });
    const resized = await until('the resize', async () => {
      const now = await single('app=web');
      const { observedGeneration, containerStatuses } = now.status;
      const done = observedGeneration === now.metadata.generation && !condition(now, 'PodResizeInProgress');
      return done && containerStatuses?.[0]?.resources?.limits?.['cpu'] === '200m' ? now : undefined;
    });
    expect(resized.metadata.generation).toBe(2);
    expect(resized.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 0,
      allocatedResources: { cpu: '200m', memory: '128Mi' },
      resources: { limits: { cpu: '200m', memory: '128Mi' } },
    });
  });

  it('is deferred while the node is full, and done when there is room', async () => {
    await cluster.apply(deployment('big', 2, [container('main', { cpu: '1200m', memory: '64Mi' })]));
    const found = await readyPods('app=big', 2);
    const target = (await readyPods('app=web', 1))[0]!;
    expect(found.map(({ spec }) => spec.nodeName)).toContain(target.spec.nodeName);
    await resize(target.metadata.name, { requests: { cpu: '1' }, limits: { cpu: '1' } });
    const pending = await until('Deferred', async () => condition(await single('app=web'), 'PodResizePending'));
    expect(pending).toMatchObject({
      reason: 'Deferred',
      message: "Node didn't have enough resource: cpu, requested: 1000, used: 1200, capacity: 2000",
    });
    await cluster.kubectlOk('delete', 'deployment', 'big');
    await until('room', async () => condition(await single('app=web'), 'PodResizePending') === undefined || undefined);
    expect((await single('app=web')).status.containerStatuses?.[0]?.allocatedResources?.['cpu']).toBe('1');
  });

  it('is refused by the API server where it can never fit', async () => {
    const pod = await single('app=web');
    const refused = await resize(pod.metadata.name, { requests: { cpu: '3' }, limits: { cpu: '3' } });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("node didn't have enough allocatable resources: cpu, requested: 3000");
  });
});

describe('a pod', () => {
  it('starts its init containers first, keeps its sidecar, and ends when it is deleted', async () => {
    const spec = {
      initContainers: [
        { name: 'first', image: 'registry.k8s.io/pause:3.10' },
        { name: 'side', image: 'registry.k8s.io/pause:3.10', restartPolicy: 'Always' },
      ],
      containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10' }],
    };
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'init', namespace: 'default', labels: { app: 'init' } },
      spec,
    });
    const [pod] = await readyPods('app=init', 1);
    expect(pod!.status.initContainerStatuses?.map(({ state }) => Object.keys(state)[0])).toEqual([
      'terminated',
      'running',
    ]);
    await cluster.kubectlOk('delete', 'pod', 'init', '--timeout=10s');
    expect(await pods('default', 'app=init')).toEqual([]);
  });
});
