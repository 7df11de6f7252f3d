// Every figure against the kubelet's own, while other cases run: the kubelet's and the metrics API's answers are kept, and when they reach far
// enough compared in the order in which they came. The agent, which keeps its readings by itself, is asked for them only then.
import type { NodeMetrics, PodMetrics } from '../e2e/metrics.ts';
import { GROUP } from '../e2e/metrics.ts';
import type { FollowedSeries, Series } from './agent-series.ts';
import { followSeries } from './agent-series.ts';
import type { SeenCluster } from './cluster.ts';
import { openCluster } from './cluster.ts';
import type { Difference, KubeletHistory, Served } from './comparison.ts';
import { againstKubelet, againstServed, kubeletHistory, servedOf } from './comparison.ts';
import { debugOfAgent } from './hearing.ts';
import type { KubeletFigures } from './kubelet-figures.ts';
import { NODE_KEY, readKubelet } from './kubelet-figures.ts';
import { NODE_NAME } from './real-node.ts';

/** The kubelet takes a sample of each container each 5 s or so; a comparison needs one that is new. */
const KEPT_EACH_MS = 700;
const COMPARED_EACH_MS = 5000;

/** Asked for at the same time. */
export interface Answers {
  readonly kubelet: KubeletFigures;
  /** Empty while the metrics API did not answer. */
  readonly served: ReadonlyMap<string, Served>;
}

export interface Wanted {
  readonly comparisons: number;
  /** Of the kubelet's, of each figure: the same ones again and again would prove little. */
  readonly samples: number;
  /** What every comparison has CPU and memory of, `namespace/pod/container` or `node`; all else is compared as far as it lives. */
  readonly keys: readonly string[];
}

export interface Comparing {
  /** @returns the comparisons, a list of differences each @throws Error when there are too few of them within `timeoutMs` */
  enough(wanted: Wanted, timeoutMs: number): Promise<readonly (readonly Difference[])[]>;
  /** Ends `enough` as well. */
  close(): Promise<void>;
}

/** Keeps what is told from now on. */
export function keepComparing(): Comparing {
  const over = new AbortController();
  const kept: Answers[] = [];
  let problem: unknown;
  const keeping = withCluster(async (cluster) => {
    while (!over.signal.aborted) {
      try {
        // The kubelet, or the API, may know nothing yet.
        const silent = (): ReadonlyMap<string, Served> => new Map();
        const [kubelet, served] = await Promise.all([
          readKubelet(cluster, NODE_NAME),
          servedFigures(cluster).catch(silent),
        ]);
        kept.push({ kubelet, served });
      } catch (error) {
        problem = error;
      }
      await pause(KEPT_EACH_MS);
    }
  }).catch((error: unknown) => (problem = error));
  const ask = async (series: FollowedSeries, wanted: Wanted, endMs: number) => {
    for (;;) {
      if (over.signal.aborted) throw new Error('the comparisons were ended');
      const told = kept.slice();
      if (reachFarEnough(told, wanted.keys)) {
        const keys = told.flatMap(({ kubelet, served }) => [...kubelet.workingSet.keys(), ...served.keys()]);
        const compared = compareInOrder(told, await series.look(new Set(keys)), wanted.keys);
        const [least, samples] = fewestSamples(compared, wanted.keys);
        if (compared.length >= wanted.comparisons && samples >= wanted.samples) return compared;
        problem = new Error(`${compared.length} comparisons, ${samples} samples of ${least}`, { cause: problem });
      }
      if (performance.now() > endMs) throw new Error(`too little to compare in ${told.length} answers`, { cause: problem }); // prettier-ignore
      await pause(COMPARED_EACH_MS);
    }
  };
  return {
    enough: (wanted, timeoutMs) =>
      withCluster(async (cluster) => {
        const endMs = performance.now() + timeoutMs;
        const { url, close } = await debugOfAgent(cluster);
        try {
          return await ask(followSeries(url), wanted, endMs);
        } finally {
          close();
        }
      }),
    close: async () => {
      over.abort();
      await keeping;
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function withCluster<T>(use: (cluster: SeenCluster) => Promise<T>): Promise<T> {
  const cluster = await openCluster();
  try {
    return await use(cluster);
  } finally {
    cluster.close();
  }
}

/** Before that nothing can be compared, and asking the agent for all that it has would be its busiest time. */
function reachFarEnough(kept: readonly Answers[], wanted: readonly string[]): boolean {
  const history = kubeletHistory();
  for (const { kubelet } of kept) history.add(kubelet);
  return wanted.every((key) => history.spans(key));
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

/** One that holds nothing of the kubelet's that was not held before, or lacks a figure that is wanted, the kubelet's or what was served, is none. */
export function compareInOrder(
  kept: readonly Answers[],
  series: ReadonlyMap<string, Series>,
  wanted: readonly string[],
): readonly (readonly Difference[])[] {
  const history = kubeletHistory();
  const before = new Set<string>();
  return kept.flatMap((each) => {
    history.add(each.kubelet);
    const found = [...series].flatMap(([key, readings]) => differencesOf(key, history, each, readings));
    const held = found.filter(isHeld);
    const figures = new Set(
      found.filter(({ notHeld }) => notHeld !== true).map((one) => `${figureOf(one)} ${one.against}`),
    );
    const lacks = wanted.some((key) => KINDS.some((kind) => !figures.has(`${key} ${kind}`)));
    const fresh = held.map((one) => `${figureOf(one)} ${one.atMs}`).filter((sample) => !before.has(sample));
    if (lacks || fresh.length === 0) return [];
    for (const sample of fresh) before.add(sample);
    return [found];
  });
}

function differencesOf(
  key: string,
  history: KubeletHistory,
  { served: figures }: Answers,
  readings: Series,
): Difference[] {
  const figure = figures.get(key);
  return [...againstKubelet(key, history, readings), ...(figure ? againstServed(key, figure, readings) : [])];
}

const KINDS = ['cpu kubelet', 'cpu served', 'memory kubelet', 'memory served'];
const isHeld = ({ against, notHeld }: Difference): boolean => against === 'kubelet' && notHeld !== true;
const figureOf = ({ key, what }: Difference): string => `${key} ${what}`;

/** @returns the wanted figure that has the fewest of the kubelet's samples held, and how many */
function fewestSamples(
  compared: readonly (readonly Difference[])[],
  wanted: readonly string[],
): readonly [string, number] {
  const held = compared.flat().filter(isHeld);
  const counts = wanted
    .flatMap((key) => [`${key} cpu`, `${key} memory`])
    .map((figure) => {
      const instants = held.filter((one) => figureOf(one) === figure).map(({ atMs }) => atMs);
      return [figure, new Set(instants).size] as const;
    });
  return counts.toSorted(([, a], [, b]) => a - b)[0] ?? ['nothing', 0];
}
