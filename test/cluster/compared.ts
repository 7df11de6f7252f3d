// Every figure against the kubelet's own, while other cases run: the kubelet's and the metrics API's answers are only kept meanwhile, and
// compared when there are enough, in the order in which they came. The agent keeps its readings by itself: asking for them all the time
// would be its busiest time.
import { AGENTS, SYSTEM } from '../e2e/install.ts';
import type { NodeMetrics, PodMetrics } from '../e2e/metrics.ts';
import { GROUP } from '../e2e/metrics.ts';
import type { FollowedSeries, Series } from './agent-series.ts';
import { followSeries } from './agent-series.ts';
import type { SeenCluster } from './cluster.ts';
import { openCluster } from './cluster.ts';
import type { Difference, KubeletHistory, Served } from './comparison.ts';
import { againstKubelet, againstServed, kubeletHistory, servedOf } from './comparison.ts';
import type { KubeletFigures } from './kubelet-figures.ts';
import { NODE_KEY, readKubelet } from './kubelet-figures.ts';
import { forward } from './port-forward.ts';
import { NODE_NAME } from './real-node.ts';

/** The kubelet takes a sample of each container each 5 s or so; a comparison needs one that is new. */
const KEPT_EACH_MS = 1000;
/** How long the first look at all of it waits for samples, and each further one. */
const FIRST_MS = 25_000;
const FURTHER_MS = 5000;

/** The answers of one instant. */
export interface Kept {
  readonly kubelet: KubeletFigures;
  readonly served: ReadonlyMap<string, Served>;
}

export interface Wanted {
  readonly comparisons: number;
  /** Of the kubelet's, of each figure: the same ones again and again would prove little. */
  readonly samples: number;
  /** What every comparison has CPU and memory of, `namespace/pod/container` or `node`; all else is compared as far as it can be. */
  readonly keys: readonly string[];
}

export interface Comparing {
  /** @returns the comparisons, a list of differences each @throws Error when there are too few of them within `timeoutMs` */
  enough(wanted: Wanted, timeoutMs: number): Promise<readonly (readonly Difference[])[]>;
  close(): Promise<void>;
}

/** Keeps what is told from now on. */
export function keepComparing(): Comparing {
  const over = new AbortController();
  const kept: Kept[] = [];
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const keeping = (async () => {
    const cluster = await openCluster();
    while (!over.signal.aborted) {
      // The kubelet, or the API, may know nothing yet.
      await lookAt(cluster).then((seen) => kept.push(seen), () => undefined); // prettier-ignore
      await pause(KEPT_EACH_MS);
    }
    cluster.close();
  })();
  return {
    enough: async (wanted, timeoutMs) => {
      const endMs = performance.now() + timeoutMs;
      const cluster = await openCluster();
      await pause(FIRST_MS);
      const { series, close } = await agentOf(cluster);
      try {
        for (;;) {
          const told = kept.slice();
          const keys = new Set([...wanted.keys, ...told.flatMap(({ served }) => [...served.keys()])]);
          const compared = compareInOrder(told, await series.look(keys), wanted.keys);
          const samples = fewestSamples(compared, wanted.keys);
          if (compared.length >= wanted.comparisons && samples >= wanted.samples) return compared;
          if (performance.now() > endMs) throw new Error(`${compared.length} comparisons, ${samples} samples of the figure that has the fewest`); // prettier-ignore
          await pause(FURTHER_MS);
        }
      } finally {
        close();
        cluster.close();
      }
    },
    close: async () => {
      over.abort();
      await keeping;
    },
  };
}

async function agentOf(cluster: SeenCluster): Promise<{ readonly series: FollowedSeries; close(): void }> {
  const path = `/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${AGENTS}`;
  const [agent] = (await cluster.kube.json<{ items: { metadata: { name: string } }[] }>('GET', path)).items;
  const { url, close } = await forward(cluster, `pod/${agent!.metadata.name}`, SYSTEM, 9470);
  return { series: followSeries(url), close };
}

async function lookAt(cluster: SeenCluster): Promise<Kept> {
  const kubelet = await readKubelet(cluster, NODE_NAME);
  return { kubelet, served: await servedFigures(cluster) };
}

async function servedFigures({ kube }: SeenCluster): Promise<ReadonlyMap<string, Served>> {
  const found = new Map<string, Served>();
  const nodes = await kube.json<{ items: NodeMetrics[] }>('GET', `${GROUP}/v1beta1/nodes`);
  for (const node of nodes.items) found.set(NODE_KEY, servedOf(node, node.usage));
  const pods = await kube.json<{ items: PodMetrics[] }>('GET', `${GROUP}/v1beta1/pods`);
  for (const item of pods.items) {
    const { namespace, name } = item.metadata;
    for (const each of item.containers) found.set(`${namespace}/${name}/${each.name}`, servedOf(item, each.usage));
  }
  return found;
}

/** One that holds nothing of the kubelet's that was not held before, or lacks a figure that is wanted, is none. */
export function compareInOrder(
  kept: readonly Kept[],
  series: ReadonlyMap<string, Series>,
  wanted: readonly string[],
): readonly (readonly Difference[])[] {
  const history = kubeletHistory();
  const before = new Set<string>();
  return kept.flatMap((each) => {
    history.add(each.kubelet);
    const found = [...series].flatMap(([key, readings]) => differencesOf(key, history, each, readings));
    const held = found.filter(isHeld);
    const figures = new Set(held.map(figureOf));
    const lacks = wanted.some((key) => !figures.has(`${key} cpu`) || !figures.has(`${key} memory`));
    const fresh = held.map((one) => `${figureOf(one)} ${one.atMs}`).filter((sample) => !before.has(sample));
    if (lacks || fresh.length === 0) return [];
    for (const sample of fresh) before.add(sample);
    return [found];
  });
}

function differencesOf(
  key: string,
  history: KubeletHistory,
  { served: figures }: Kept,
  readings: Series,
): Difference[] {
  const figure = figures.get(key);
  return [...againstKubelet(key, history, readings), ...(figure ? againstServed(key, figure, readings) : [])];
}

const isHeld = ({ against, notHeld }: Difference): boolean => against === 'kubelet' && notHeld !== true;
const figureOf = ({ key, what }: Difference): string => `${key} ${what}`;

/** @returns how many of the kubelet's samples were held, of the wanted figure that has the fewest */
function fewestSamples(compared: readonly (readonly Difference[])[], wanted: readonly string[]): number {
  const held = compared.flat().filter(isHeld);
  const counts = wanted.flatMap((key) =>
    ['cpu', 'memory'].map((what) => {
      const instants = held.filter((one) => one.key === key && one.what === what).map(({ atMs }) => atMs);
      return new Set(instants).size;
    }),
  );
  return Math.min(...counts);
}
