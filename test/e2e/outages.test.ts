// What clients see while a part is out: one node's agent, a replica; and that both replicas say the same.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import { addAggregatorFlag, install, SYSTEM } from './install.ts';
import type { Kube } from './kube.ts';
import type { NodeMetrics, PodMetrics } from './metrics.ts';
import { counted, GROUP, nodeMetrics, podMetrics } from './metrics.ts';
import { openReplica, publishedCa, replicas } from './replicas.ts';
import { eventually, until } from './until.ts';
import { pod } from './workloads.ts';

const NODES = ['n1', 'n2', 'n3'];
const STALENESS_MS = 15_000;
/** The node, its agent, the test's pod; some have a replica too. */
const ITEMS_OF_A_NODE = 3;
/** Agents push each 5 s; a second for what is on its way. */
const PUSHED_AGAIN_MS = 6000;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ nodes: NODES.map((name) => ({ name, cgroups: 'files' as const })) });
  await install(cluster);
  await addAggregatorFlag(cluster, `--staleness=${STALENESS_MS / 1000}s`);
  await cluster.apply(
    ...NODES.map((nodeName) => pod({ name: `on-${nodeName}`, nodeName, containers: [{ name: 'main' }] })),
  );
  await counted(cluster, 'default', 3);
});

afterAll(async () => {
  await cluster?.close();
});

const agentOf = (node: string) => {
  const run = cluster.fleet.runs(SYSTEM, 'headroom-agent').find(({ pod: { spec } }) => spec.nodeName === node);
  if (!run) throw new Error(`no agent on ${node}`);
  return run;
};

async function seen(): Promise<{ readonly nodes: Map<string, NodeMetrics>; readonly pods: Map<string, PodMetrics> }> {
  const [nodes, pods] = await Promise.all([nodeMetrics(cluster.kube), podMetrics(cluster.kube, 'default')]);
  return {
    nodes: new Map(nodes.map((item) => [item.metadata.name, item])),
    pods: new Map(pods.map((item) => [item.metadata.name, item])),
  };
}

describe('the replicas', () => {
  async function open(): Promise<readonly Kube[]> {
    const ca = await publishedCa(cluster);
    return (await replicas(cluster)).map((replica) => openReplica(replica, { ca, ...cluster.controlPlane.pki.admin }));
  }

  it('give byte-identical items for the same pushes', async () => {
    const both = await open();
    expect(both).toHaveLength(2);
    const equal = new Set<string>();
    // Each replica is pushed to in its own time: items of one timestamp are compared, of at least two nodes.
    const probe = async (): Promise<true | undefined> => {
      const [one, other] = await Promise.all(both.map((kube) => items(kube)));
      for (const [key, text] of one!) {
        const twin = other!.get(key);
        if (twin === undefined || timestampOf(twin) !== timestampOf(text)) continue;
        expect(twin).toBe(text);
        equal.add(key);
      }
      return equal.size >= ITEMS_OF_A_NODE * 2 || undefined;
    };
    await until('enough items compared', probe, 150_000, 200);
    for (const kube of both) kube.close();
  });

  it('serve on while one of them is gone, and a new one is not ready before it is whole', async () => {
    const [first] = await replicas(cluster);
    // The agent that hung comes back to each replica at its own pace.
    for (const kube of await open()) {
      await eventually(async () => {
        const { items } = await kube.json<{ items: unknown[] }>('GET', `${GROUP}/v1/nodes`);
        expect(items).toHaveLength(NODES.length);
      }, 30_000);
      kube.close();
    }
    const failures: string[] = [];
    let asked = 0;
    const asking = setInterval(() => {
      asked++;
      nodeMetrics(cluster.kube).then(
        (found) => {
          if (found.length !== NODES.length) failures.push(`${found.length} nodes`);
        },
        (err: unknown) => void failures.push(String(err)),
      );
    }, 100);
    try {
      const before = new Set((await replicas(cluster)).map(({ name }) => name));
      await cluster.kubectlOk('delete', 'pod', first!.name, '-n', SYSTEM, '--wait=false');
      const added = await until('a new replica', async () =>
        (await replicas(cluster)).find(({ name }) => !before.has(name)),
      );
      const ca = await publishedCa(cluster);
      const kube = openReplica(added, { ca, ...cluster.controlPlane.pki.admin });
      const counts: number[] = [];
      await until(
        'the new replica being ready',
        async () => {
          const ready = await kube.call('GET', '/readyz').catch(() => undefined);
          if (ready?.status !== 200) return undefined;
          counts.push((await kube.json<{ items: unknown[] }>('GET', `${GROUP}/v1/nodes`)).items.length);
          return true;
        },
        30_000,
        20,
      );
      kube.close();
      expect(counts).toEqual([NODES.length]);
      await cluster.kubectlOk('rollout', 'status', 'deployment/headroom-aggregator', '-n', SYSTEM, '--timeout=30s');
    } finally {
      clearInterval(asking);
    }
    expect(asked).toBeGreaterThan(10);
    expect(failures).toEqual([]);
  });
});

describe('an agent that hangs', () => {
  it('keeps its node’s last values until --staleness, and hides no other node’s', async () => {
    const [stoppedMs, stoppedWallMs] = [performance.now(), Date.now()];
    agentOf('n1').signal('agent', 'SIGSTOP');
    const stamps = new Set<string>();
    try {
      await new Promise((resolve) => setTimeout(resolve, PUSHED_AGAIN_MS));
      const kept = await seen();
      expect([...kept.nodes.keys()].toSorted()).toEqual(NODES);
      const goneMs = await until(
        'the end of the silent node’s values',
        async () => {
          const { nodes, pods } = await seen();
          // The others are there in every answer.
          expect([nodes.has('n2'), nodes.has('n3'), pods.has('on-n2'), pods.has('on-n3')]).not.toContain(false);
          // Either replica answers, with what it was pushed last.
          const silent = nodes.get('n1');
          if (silent) stamps.add(silent.timestamp);
          // The two replicas count from their own receipt: both have to have dropped it.
          return nodes.has('n1') || pods.has('on-n1') ? undefined : performance.now();
        },
        3 * STALENESS_MS,
        200,
      );
      expect(stamps.size).toBeGreaterThan(0);
      expect(stamps.size).toBeLessThanOrEqual(2);
      for (const stamp of stamps) expect(Date.parse(stamp)).toBeLessThanOrEqual(stoppedWallMs);
      // Counted from the last push, which came at most one push interval before.
      expect(goneMs - stoppedMs).toBeGreaterThan(STALENESS_MS - PUSHED_AGAIN_MS);
      expect(goneMs - stoppedMs).toBeLessThan(STALENESS_MS + 2000);
      const { nodes } = await seen();
      expect(nodes.get('n2')!.timestamp > kept.nodes.get('n2')!.timestamp).toBe(true);
    } finally {
      agentOf('n1').signal('agent', 'SIGCONT');
    }
    await eventually(async () => expect([...(await seen()).nodes.keys()].toSorted()).toEqual(NODES), 20_000);
  });
});

async function items(kube: Kube): Promise<ReadonlyMap<string, string>> {
  const lists = await Promise.all(
    ['nodes', 'pods'].map((resource) => kube.json<{ items: PodMetrics[] }>('GET', `${GROUP}/v1/${resource}`)),
  );
  return new Map(
    lists.flatMap((list) =>
      list.items.map((item) => [`${item.metadata.namespace}/${item.metadata.name}`, JSON.stringify(item)] as const),
    ),
  );
}

function timestampOf(item: string): string {
  return (JSON.parse(item) as { timestamp: string }).timestamp;
}
