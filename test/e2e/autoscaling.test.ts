// A real HorizontalPodAutoscaler scales up and down by our numbers: Kubernetes' own cases (test/e2e/autoscaling), the load a fixed
// total divided over the running pods. The controller waits for one window (15 s) after a pod is ready before it believes its CPU.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadRule } from './cgroups/load-rules.ts';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import { install } from './install.ts';
import { until } from './until.ts';
import type { ContainerShape } from './workloads.ts';
import { autoscaler, deployment } from './workloads.ts';

const MIB = 1024 * 1024;
const STEP_MS = 90_000;

let cluster: Cluster;

beforeAll(async () => {
  // Room for all workloads at their most: what they ask for is 20 CPUs and 20,000 MiB.
  cluster = await startCluster({
    nodes: ['n1', 'n2', 'n3', 'n4'].map((name) => ({ name, cgroups: 'files' as const })),
  });
  await install(cluster);
});

afterAll(async () => {
  await cluster?.close();
});

interface Step {
  readonly total: Pick<LoadRule, 'cpuCores' | 'memoryBytes'>;
  readonly replicas: number;
}

interface Scaled {
  readonly name: string;
  readonly containers: readonly ContainerShape[];
  readonly metric: object;
  /** The container that the load is put on; unset: all. */
  readonly loaded?: string;
  readonly steps: readonly Step[];
}

async function scale({ name, containers, metric, loaded, steps }: Scaled): Promise<readonly string[]> {
  const put = (total: Step['total']): void =>
    cluster.fleet.loads.set(name, {
      namespace: 'default',
      labels: { app: name },
      ...(loaded === undefined ? {} : { container: loaded }),
      ...total,
    });
  put(steps[0]!.total);
  await cluster.apply(deployment({ name, containers }, 1), autoscaler(name, 5, [metric]));
  const seen: string[] = [];
  for (const { total, replicas } of steps) {
    put(total);
    const startMs = performance.now();
    await until(`${name} at ${replicas} replicas`, () => settledAt(name, replicas), STEP_MS, 250);
    seen.push(`${replicas} after ${Math.round((performance.now() - startMs) / 1000)} s`);
  }
  console.log(`${name}: ${seen.join(', ')}`);
  return seen;
}

/** Ready pods and what the autoscaler wants agree. */
async function settledAt(name: string, replicas: number): Promise<true | undefined> {
  const { status } = await cluster.kube.json<{ status: { readyReplicas?: number; replicas?: number } }>(
    'GET',
    `/apis/apps/v1/namespaces/default/deployments/${name}`,
  );
  const hpa = await cluster.kube.json<{ status: { desiredReplicas: number } }>(
    'GET',
    `/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/${name}`,
  );
  const all = [status.readyReplicas ?? 0, status.replicas ?? 0, hpa.status.desiredReplicas];
  return all.every((count) => count === replicas) || undefined;
}

const requests = { cpu: '500m', memory: '500Mi' };
const utilization = (resource: 'cpu' | 'memory', percent: number) => ({
  type: 'Resource',
  resource: { name: resource, target: { type: 'Utilization', averageUtilization: percent } },
});

describe('an autoscaler', () => {
  it.concurrent(
    'on CPU utilization goes 1 → 3 → 5 → 3 → 1',
    async () => {
      const steps = [
        { total: { cpuCores: 0.25 }, replicas: 3 },
        { total: { cpuCores: 0.7 }, replicas: 5 },
        { total: { cpuCores: 0.27 }, replicas: 3 },
        { total: { cpuCores: 0.02 }, replicas: 1 },
      ];
      const metric = utilization('cpu', 20);
      const seen = await scale({ name: 'cpu', containers: [{ name: 'main', requests }], metric, steps });
      expect(seen).toHaveLength(4);
    },
    5 * STEP_MS,
  );

  it.concurrent(
    'on an average CPU value goes 1 → 3 → 5',
    async () => {
      const metric = {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '100m' } },
      };
      const steps = [
        { total: { cpuCores: 0.27 }, replicas: 3 },
        { total: { cpuCores: 0.7 }, replicas: 5 },
      ];
      expect(await scale({ name: 'cpu-value', containers: [{ name: 'main', requests }], metric, steps })).toHaveLength(
        2,
      );
    },
    5 * STEP_MS,
  );

  it.concurrent(
    'on one container’s CPU goes 1 → 3 → 5 whatever the sidecar does not do',
    async () => {
      const metric = {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'main', target: { type: 'Utilization', averageUtilization: 20 } },
      };
      const containers = [
        { name: 'main', requests },
        { name: 'side', requests },
      ];
      const steps = [
        { total: { cpuCores: 0.27 }, replicas: 3 },
        { total: { cpuCores: 0.7 }, replicas: 5 },
      ];
      expect(await scale({ name: 'one-container', containers, metric, loaded: 'main', steps })).toHaveLength(2);
    },
    5 * STEP_MS,
  );

  it.concurrent(
    'on one container’s CPU does not move while the sidecar is busy',
    async () => {
      const metric = {
        type: 'ContainerResource',
        containerResource: { name: 'cpu', container: 'main', target: { type: 'Utilization', averageUtilization: 20 } },
      };
      const containers = [
        { name: 'main', requests },
        { name: 'side', requests },
      ];
      cluster.fleet.loads.set('busy-side', {
        namespace: 'default',
        labels: { app: 'busy-side' },
        container: 'side',
        cpuCores: 2,
      });
      await cluster.apply(deployment({ name: 'busy-side', containers }, 1), autoscaler('busy-side', 5, [metric]));
      await until(
        'a reading of the container',
        async () => {
          const { status } = await cluster.kube.json<{ status: { currentMetrics?: readonly object[] } }>(
            'GET',
            '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/busy-side',
          );
          return (
            status.currentMetrics?.some((each) => JSON.stringify(each).includes('averageUtilization')) || undefined
          );
        },
        STEP_MS,
      );
      expect(await settledAt('busy-side', 1)).toBe(true);
    },
    2 * STEP_MS,
  );

  it.concurrent(
    'on an average memory value goes 1 → 3 → 5, and on one container’s too',
    async () => {
      const steps = [
        { total: { memoryBytes: 270 * MIB }, replicas: 3 },
        { total: { memoryBytes: 700 * MIB }, replicas: 5 },
      ];
      const target = { type: 'AverageValue', averageValue: '100Mi' };
      const whole = { type: 'Resource', resource: { name: 'memory', target } };
      const one = { type: 'ContainerResource', containerResource: { name: 'memory', container: 'main', target } };
      const containers = [
        { name: 'main', requests },
        { name: 'side', requests },
      ];
      const seen = await Promise.all([
        scale({ name: 'memory-value', containers: [{ name: 'main', requests }], metric: whole, steps }),
        scale({ name: 'one-container-memory', containers, metric: one, loaded: 'main', steps }),
      ]);
      expect(seen.map(({ length }) => length)).toEqual([2, 2]);
    },
    3 * STEP_MS,
  );

  it.concurrent(
    'on memory goes 1 → 3 → 5, up by utilization',
    async () => {
      const steps = [
        { total: { memoryBytes: 270 * MIB }, replicas: 3 },
        { total: { memoryBytes: 700 * MIB }, replicas: 5 },
      ];
      const metric = utilization('memory', 20);
      expect(await scale({ name: 'memory', containers: [{ name: 'main', requests }], metric, steps })).toHaveLength(2);
    },
    3 * STEP_MS,
  );
});
