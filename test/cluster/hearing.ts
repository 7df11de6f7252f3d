// Case (f), what its tests share: the agent's word of what it may hear, what it heard, and containers that give it something to hear.
import { expect } from 'vitest';
import { AGENTS, SYSTEM } from '../e2e/install.ts';
import { bytes } from '../e2e/metrics.ts';
import { until } from '../e2e/until.ts';
import { pod } from '../e2e/workloads.ts';
import type { SeenCluster } from './cluster.ts';
import { ASKS, leakPod, podOf, running } from './leak-run.ts';
import { WORKLOAD } from './node-disk.ts';
import type { Forward } from './port-forward.ts';
import { forward, getJson } from './port-forward.ts';

interface Capability {
  readonly name: string;
  readonly available: boolean;
  readonly cause: string;
}

export const HOOKS = ['memory_alarm', 'oom_begin', 'oom_victim', 'throttle', 'cgroup_life', 'run_queue'].map(
  (hook) => `ebpf_${hook}`,
);
export async function debugOfAgent(cluster: SeenCluster): Promise<Forward> {
  const path = `/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${AGENTS}`;
  const agent = await until('one agent', async () => {
    const { items } = await cluster.kube.json<{ items: { metadata: { name: string; deletionTimestamp?: string } }[] }>('GET', path); // prettier-ignore
    return items.length === 1 && items[0]!.metadata.deletionTimestamp === undefined ? items[0] : undefined;
  }, 60_000); // prettier-ignore
  return forward(cluster, `pod/${agent.metadata.name}`, SYSTEM, 9470);
}

/** Names of the capabilities that it says it lacks. */
export async function missing(debug: Forward): Promise<ReadonlySet<string>> {
  const { capabilities } = await getJson<{ capabilities: readonly Capability[] }>(`${debug.url}/api/node`);
  return new Set(capabilities.filter(({ available }) => !available).map(({ name }) => name));
}

/** Kinds of signals that were noted until all the wanted ones are there. */
export function heard(debug: Forward, wanted: readonly string[]): Promise<ReadonlySet<string>> {
  const kinds = new Set<string>();
  const ask = async (): Promise<ReadonlySet<string> | undefined> => {
    const { signals } = await getJson<{ signals: readonly { kind: string }[] }>(`${debug.url}/api/signals?after=0`);
    for (const { kind } of signals) kinds.add(kind);
    return wanted.every((kind) => kinds.has(kind)) ? kinds : undefined;
  };
  return until(`signals ${wanted.join(', ')}`, ask, 90_000, 1000).catch((error: unknown) => {
    throw new Error(`heard ${[...kinds].join(', ')} only`, { cause: error });
  });
}

export const throttled = pod({ name: 'throttled', containers: [{ name: 'main', image: WORKLOAD, args: ['burn', '900'], requests: { memory: '16Mi', cpu: '20m' }, limits: { cpu: '60m', memory: '64Mi' } }] }); // prettier-ignore
export const killed = (name: string): object =>
  leakPod({ name, startMib: 10, mibPerSecond: 8, mostMib: 80, limit: '48Mi', afterS: 5 });
export const helped = (name: string): object => leakPod({ name, startMib: 36, mibPerSecond: 3, mostMib: 100, limit: '80Mi', afterS: 4, annotations: ASKS }); // prettier-ignore

/** Of the next-to-last file; the last looks at what becomes of its limit. */
export const HELPED_LAST = 'helped-ebpf';

/** @returns its limit by then, bytes */
export async function expectHelped(cluster: SeenCluster, name: string): Promise<number> {
  await running(cluster, name);
  const raised = await until(`${name} resized`, async () => {
    const limit = bytes((await podOf(cluster, name)).status.containerStatuses?.[0]?.resources?.limits?.['memory'] ?? '0'); // prettier-ignore
    return limit > 80 * 2 ** 20 ? limit : undefined;
  }, 60_000); // prettier-ignore
  expect((await podOf(cluster, name)).status.containerStatuses?.[0]).toMatchObject({ restartCount: 0, lastState: {} });
  return raised;
}
