// What the agent's pod costs the node while it works: CPU between two of the kubelet's samples, the most memory it ever held.
import { AGENTS, SYSTEM } from '../e2e/install.ts';
import { until } from '../e2e/until.ts';
import type { SeenCluster } from './cluster.ts';
import { AGENT_PID, inGuest } from './guest-shell.ts';
import { readKubelet } from './kubelet-figures.ts';
import type { Told } from './kubelet-figures.ts';
import { NODE_NAME } from './real-node.ts';

/** The kubelet takes one each 5 to 10 s. */
const SAMPLE_MS = 20_000;

export interface AgentCost {
  /** Of one core. */
  readonly cpuShare: number;
  /** Of its container, page cache included. */
  readonly peakBytes: number;
  /** How often it was at its limit. */
  readonly limitHits: number;
}

/** @returns a function that tells the cost since this call */
export async function agentCost(cluster: SeenCluster): Promise<() => Promise<AgentCost>> {
  const first = await cpuOfAgent(cluster);
  return async () => {
    const last = await until('a newer sample of the kubelet', async () => {
      const told = await cpuOfAgent(cluster);
      return told.atMs > first.atMs ? told : undefined;
    }, SAMPLE_MS, 500); // prettier-ignore
    const folder = `/sys/fs/cgroup$(cut -d : -f 3 /proc/${AGENT_PID}/cgroup)`;
    const [peak, events = ''] = (await inGuest(`cd ${folder} && cat memory.peak memory.events`)).split(/\n(.*)/s);
    return {
      cpuShare: (last.value - first.value) / ((last.atMs - first.atMs) / 1000),
      peakBytes: Number(peak),
      limitHits: Number(/^max (\d+)$/m.exec(events)?.[1] ?? NaN),
    };
  };
}

async function cpuOfAgent(cluster: SeenCluster): Promise<Told> {
  const path = `/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${AGENTS}`;
  const { items } = await cluster.kube.json<{ items: { metadata: { name: string } }[] }>('GET', path);
  const { cpuSeconds } = await readKubelet(cluster, NODE_NAME);
  const told = cpuSeconds.get(`${SYSTEM}/${items[0]?.metadata.name}/agent`);
  if (told === undefined) throw new Error('the kubelet has no figures of the agent');
  return told;
}
