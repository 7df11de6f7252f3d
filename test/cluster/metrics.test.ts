// Case (a): kubectl top right after the install, and every figure against the kubelet's own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENTS, SYSTEM } from '../e2e/install.ts';
import type { ContainerUsage, NodeMetrics, PodMetrics } from '../e2e/metrics.ts';
import { bytes, GROUP, millis } from '../e2e/metrics.ts';
import { eventually, until } from '../e2e/until.ts';
import { pod } from '../e2e/workloads.ts';
import { followSeries } from './agent-series.ts';
import type { SeenCluster } from './cluster.ts';
import { openCluster } from './cluster.ts';
import type { Difference, Served } from './comparison.ts';
import { againstKubelet, againstServed, describe as said, kubeletHistory } from './comparison.ts';
import type { Installed } from './installed.ts';
import { openInstalled } from './installed.ts';
import { NODE_KEY, readKubelet } from './kubelet-figures.ts';
import { WORKLOAD } from './node-disk.ts';
import { forward } from './port-forward.ts';
import { NODE_NAME } from './real-node.ts';

const COMPARISONS = 20;
/** Each round asks the agent for the readings of every container: that often is a load of its own. */
const EACH_MS = 1000;
/** Of a container, among all comparisons: the same one again and again would prove little. */
const LEAST_SAMPLES = 3;
/** The kubelet takes a sample of each container each 5 s or so; a round needs one that is new. */
const KEPT_EACH_MS = 1000;
const BOUNDS = { memory: 0.02, cpu: 0.05 };

const workload = (name: string, ...args: readonly string[]): object =>
  pod({ name, containers: [{ name: 'main', image: WORKLOAD, args, requests: { cpu: '20m', memory: '32Mi' }, limits: { memory: '200Mi' } }] }); // prettier-ignore

let installed: Installed | undefined;
let cluster: SeenCluster;
const history = kubeletHistory();
/** A stretch of the kubelet's samples is long: they are kept from the install on. */
const kept = keepHistory();

beforeAll(async () => {
  const before = [workload('holds', 'hold', '100'), workload('burns', 'burn', '100'), workload('idles')];
  installed = await openInstalled({ before });
  ({ cluster } = installed);
});

function keepHistory(): { stop(): Promise<void> } {
  const over = new AbortController();
  const keeping = (async () => {
    const seen = await openCluster();
    while (!over.signal.aborted) {
      // The kubelet may know nothing yet.
      await readKubelet(seen, NODE_NAME).then(history.add, () => undefined);
      await new Promise((resolve) => setTimeout(resolve, KEPT_EACH_MS));
    }
    seen.close();
  })();
  const stop = async (): Promise<void> => {
    over.abort();
    await keeping;
  };
  return { stop };
}

afterAll(async () => {
  await kept.stop();
  await installed?.close();
});

interface ListedPod {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime: string }[];
  };
}

const readyMs = ({ status }: ListedPod): number => Date.parse(status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? ''); // prettier-ignore

const list = async (path: string): Promise<readonly ListedPod[]> =>
  (await cluster.kube.json<{ items: ListedPod[] }>('GET', path)).items;

describe('kubectl top', () => {
  it('shows the node and every container within 10 s of the agent being Ready', async () => {
    const pods = await list('/api/v1/pods');
    const expected = pods.flatMap(({ metadata, spec }) =>
      spec.containers.map(({ name }) => `${metadata.name} ${name}`),
    );
    const tops = async () => {
      const [node, containers] = await Promise.all([
        cluster.kubectlOk('top', 'node', '--no-headers'),
        cluster.kubectlOk('top', 'pod', '-A', '--containers', '--no-headers'),
      ]);
      expect(node.trim().split(/\s+/)[0]).toBe(NODE_NAME);
      const shown = containers.trim().split('\n').map((line) => line.split(/\s+/).slice(1, 3).join(' ')); // prettier-ignore
      expect(shown.toSorted()).toEqual(expected.toSorted());
    };
    await eventually(tops, 60_000);
    const nowMs = Date.now();
    const agents = await list(`/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${AGENTS}`);
    const workloads = await list('/api/v1/namespaces/default/pods');
    // Condition times are whole seconds, rounded down. Nobody has figures of a container that is not there yet.
    const [agentS, workloadsS] = [agents, workloads].map((each) => (nowMs - Math.max(...each.map(readyMs))) / 1000) as [number, number]; // prettier-ignore
    process.stdout.write(`figure: kubectl top complete ${agentS.toFixed(1)} s after the agent's Ready, ${workloadsS.toFixed(1)} s after the last workload's\n`); // prettier-ignore
    expect(Math.min(agentS, workloadsS)).toBeLessThan(11);
  });
});

describe('an aggregator', () => {
  it('says what has no metrics through a forwarded port, as docs/debugging.md has it', async () => {
    const { url, close } = await forward(cluster, 'deploy/headroom-aggregator', SYSTEM, 4443);
    try {
      const server = url.replace('http://127.0.0.1', 'https://localhost');
      const ask = () => cluster.kubectlOk('get', '--raw', '/debug/missing', `--server=${server}`, '--insecure-skip-tls-verify'); // prettier-ignore
      const nothing = async () => expect(JSON.parse(await ask())).toMatchObject({ nodes: [], pods: [] });
      await eventually(nothing, 20_000);
    } finally {
      close();
    }
  });
});

function served(item: PodMetrics | NodeMetrics, usage: ContainerUsage['usage']): Served {
  const windowMs = Number(/^([\d.]+)s$/.exec(item.window)?.[1]) * 1000;
  return { cpuMillis: millis(usage.cpu), memoryBytes: bytes(usage.memory), atMs: Date.parse(item.timestamp), windowMs };
}

async function servedFigures(): Promise<ReadonlyMap<string, Served>> {
  const found = new Map<string, Served>();
  const nodes = await cluster.kube.json<{ items: NodeMetrics[] }>('GET', `${GROUP}/v1beta1/nodes`);
  for (const node of nodes.items) found.set(NODE_KEY, served(node, node.usage));
  const pods = await cluster.kube.json<{ items: PodMetrics[] }>('GET', `${GROUP}/v1beta1/pods`);
  for (const item of pods.items) {
    const { namespace, name } = item.metadata;
    for (const each of item.containers) found.set(`${namespace}/${name}/${each.name}`, served(item, each.usage));
  }
  return found;
}

/** @returns how many of the kubelet's samples were compared, of the figure that has the fewest */
function sampled(found: readonly Difference[]): number {
  const instants = new Map<string, Set<number>>();
  for (const { key, what, against, atMs, notHeld } of found) {
    if (notHeld) continue;
    const name = `${key} ${what}`;
    if (against === 'kubelet') instants.set(name, (instants.get(name) ?? new Set()).add(atMs));
  }
  return Math.min(...[...instants.values()].map(({ size }) => size));
}

describe('every figure', () => {
  it(`agrees with the kubelet's own in ${COMPARISONS} of ${COMPARISONS} comparisons`, async () => {
    const [agent] = await list(`/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${AGENTS}`);
    const debug = await forward(cluster, `pod/${agent!.metadata.name}`, SYSTEM, 9470);
    const followed = followSeries(debug.url);
    const rounds: Difference[][] = [];
    const compared = new Set<string>();
    const isNew = ({ key, what, against, atMs }: Difference): boolean => {
      const before = compared.size;
      return against === 'kubelet' && compared.add(`${key} ${what} ${atMs}`).size > before;
    };
    const complete = (round: readonly Difference[], keys: readonly string[]): boolean => {
      const kinds = new Set(round.filter(({ against }) => against === 'kubelet').map(({ key, what }) => `${key} ${what}`)); // prettier-ignore
      return keys.every((key) => kinds.has(`${key} cpu`) && kinds.has(`${key} memory`));
    };
    try {
      const round = async (): Promise<true | undefined> => {
        const keys = [...history.keys()];
        // Before that nothing can be compared, and asking the agent for all it has would be its busiest time.
        if (keys.length === 0 || !keys.every((key) => history.spans(key))) return undefined;
        const figures = await servedFigures();
        const series = await followed.look(new Set([...keys, ...figures.keys()]));
        const found = [...series].flatMap(([key, each]) => [
          ...againstKubelet(key, history, each),
          ...(figures.has(key) ? againstServed(key, figures.get(key)!, each) : []),
        ]);
        // One that holds nothing of the kubelet's that was not held before is none.
        const held = found.filter(({ notHeld }) => !notHeld);
        if (complete(held, keys) && held.filter(isNew).length > 0) rounds.push(found);
        return (rounds.length >= COMPARISONS && sampled(rounds.flat()) >= LEAST_SAMPLES) || undefined;
      };
      await until(`${COMPARISONS} comparisons`, round, 170_000, EACH_MS);
    } finally {
      debug.close();
    }
    const cpu = history.cpu(`${SYSTEM}/${agent!.metadata.name}/agent`);
    const shares = cpu.slice(1).map((told, at) => (told.value - cpu[at]!.value) / ((told.atMs - cpu[at]!.atMs) / 1000));
    process.stdout.write(`figure: the agent since its install, % of an emulated core between the kubelet's samples: ${shares.map((share) => (100 * share).toFixed(1)).join(' ')}\n`); // prettier-ignore
    const all = rounds.flat();
    for (const what of ['memory', 'cpu'] as const) {
      for (const against of ['kubelet', 'served'] as const) {
        const worst = all.filter((each) => each.what === what && each.against === against).toSorted((a, b) => b.share - a.share); // prettier-ignore
        process.stdout.write(`figure: ${worst.length} comparisons, worst ${worst.slice(0, 3).map(said).join('; ')}\n`);
      }
    }
    expect(all.filter(({ share, what, notHeld }) => !notHeld && !(share <= BOUNDS[what])).map(said)).toEqual([]);
  }, 240_000);
});
