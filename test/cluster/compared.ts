// Every figure against the kubelet's own: the kubelet's and the metrics API's answers are kept while time passes, and when they reach far enough
// compared in the order in which they came. The agent, which keeps its readings by itself, is asked for them only then.
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
  /** What every comparison has CPU and memory of, `namespace/pod/container` or `node`; all else is compared where it is there when the agent is asked. */
  readonly keys: readonly string[];
}

export interface Comparing {
  /** @returns the comparisons @throws Error when there are too few of them within `timeoutMs`, or when what was served is malformed */
  enough(wanted: Wanted, timeoutMs: number): Promise<Compared>;
  /** Ends `enough` as well. */
  close(): Promise<void>;
}

export interface Compared {
  /** A list of differences each. */
  readonly comparisons: readonly (readonly Difference[])[];
  /** Answers since the first comparison, and those of them in which a wanted figure was not served, or of an instant that nothing was read at. */
  readonly answers: number;
  readonly unserved: number;
}

/** Keeps what is told from now on. */
export function keepComparing(): Comparing {
  const over = new AbortController();
  const kept: Answers[] = [];
  let [malformed, silent]: unknown[] = [];
  let asking: Promise<unknown> = Promise.resolve();
  const keeping = withCluster(async (cluster) => {
    while (!over.signal.aborted) {
      // The kubelet, or the API, may know nothing yet.
      const told = readKubelet(cluster, NODE_NAME).catch((error: unknown) => void (silent = error));
      const served = servedFigures(cluster).catch((error: unknown) => void (malformed ??= error));
      const [kubelet, figures] = await Promise.all([told, served]);
      if (kubelet && figures) kept.push({ kubelet, served: figures });
      await pause(KEPT_EACH_MS);
    }
  }).catch((error: unknown) => void (silent = error));
  const ask = async (wanted: Wanted, endMs: number): Promise<Compared> => {
    let agent: Agent | undefined;
    let lacking: unknown;
    try {
      while (performance.now() < endMs && !over.signal.aborted) {
        if (malformed !== undefined) throw new Error('what was served is malformed', { cause: malformed });
        const told = kept.slice();
        const short = tooShort(told, wanted.keys);
        lacking = short === undefined ? undefined : `${short} in ${told.length} answers`;
        if (short === undefined) {
          agent ??= await openAgent();
          const series = await readingsOf(agent, told).catch((error: unknown) => void (silent = error));
          if (series === undefined) {
            agent.close();
            agent = undefined;
          } else {
            const compared = compareInOrder(told, series, wanted.keys);
            const [least, samples] = fewestSamples(compared.comparisons, wanted.keys);
            if (compared.comparisons.length >= wanted.comparisons && samples >= wanted.samples) return compared;
            lacking = `${least}, ${samples} samples in ${compared.comparisons.length} comparisons`;
          }
        }
        await pause(COMPARED_EACH_MS);
      }
    } finally {
      agent?.close();
    }
    throw new Error(`too little to compare: ${String(lacking)}`, { cause: silent });
  };
  return {
    enough: (wanted, timeoutMs) => {
      const found = ask(wanted, performance.now() + timeoutMs);
      asking = found.catch(() => undefined);
      return found;
    },
    close: async () => {
      over.abort();
      await Promise.all([keeping, asking]);
    },
  };
}

interface Agent {
  readonly series: FollowedSeries;
  close(): void;
}

async function openAgent(): Promise<Agent> {
  const { url, close } = await withCluster(debugOfAgent);
  return { series: followSeries(url), close };
}

function readingsOf({ series }: Agent, told: readonly Answers[]): Promise<ReadonlyMap<string, Series>> {
  return series.look(new Set(told.flatMap(({ kubelet, served }) => [...kubelet.workingSet.keys(), ...served.keys()])));
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

/** @returns a key whose samples do not reach over a stretch yet: nothing can be compared before, and asking the agent for all that it has would be its busiest time */
function tooShort(kept: readonly Answers[], keys: readonly string[]): string | undefined {
  const history = kubeletHistory();
  for (const { kubelet } of kept) history.add(kubelet);
  return keys.find((key) => !history.spans(key));
}

/** Empty while the metrics API does not answer. @throws Error where an answer is malformed */
async function servedFigures({ kube }: SeenCluster): Promise<ReadonlyMap<string, Served>> {
  const paths = ['nodes', 'pods'].map((kind) => `${GROUP}/v1beta1/${kind}`);
  const answers = await Promise.all(paths.map((path) => kube.call('GET', path).catch(() => undefined)));
  const [nodes, pods] = answers.map((answer) => (answer?.status === 200 ? answer.body.toString() : '{"items":[]}'));
  const found = new Map<string, Served>();
  for (const node of (JSON.parse(nodes!) as { items: NodeMetrics[] }).items) found.set(NODE_KEY, servedOf(node, node.usage)); // prettier-ignore
  for (const item of (JSON.parse(pods!) as { items: PodMetrics[] }).items) {
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
): Compared {
  const history = kubeletHistory();
  const before = new Set<string>();
  const comparisons: (readonly Difference[])[] = [];
  let [answers, unserved] = [0, 0];
  for (const each of kept) {
    history.add(each.kubelet);
    const found = [...series].flatMap(([key, readings]) => differencesOf(key, history, each, readings));
    const held = found.filter(({ notHeld }) => notHeld !== true);
    const figures = new Set(held.map((one) => `${figureOf(one)} ${one.against}`));
    const lacks = (against: Difference['against']): boolean => wanted.some((key) => ['cpu', 'memory'].some((what) => !figures.has(`${key} ${what} ${against}`))); // prettier-ignore
    const fresh = held.filter(isKubelets).map((one) => `${figureOf(one)} ${one.atMs}`).filter((sample) => !before.has(sample)); // prettier-ignore
    if (comparisons.length > 0) {
      answers++;
      if (lacks('served')) unserved++;
    }
    if (fresh.length === 0 || lacks('served') || lacks('kubelet')) continue;
    for (const sample of fresh) before.add(sample);
    comparisons.push(found);
  }
  return { comparisons, answers, unserved };
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

const isKubelets = ({ against }: Difference): boolean => against === 'kubelet';
const figureOf = ({ key, what }: Difference): string => `${key} ${what}`;

/** @returns the wanted figure that has the fewest of the kubelet's samples held, and how many */
function fewestSamples(
  compared: readonly (readonly Difference[])[],
  wanted: readonly string[],
): readonly [string, number] {
  const held = compared.flat().filter((one) => isKubelets(one) && one.notHeld !== true);
  const counts = wanted
    .flatMap((key) => [`${key} cpu`, `${key} memory`])
    .map((figure) => {
      const instants = held.filter((one) => figureOf(one) === figure).map(({ atMs }) => atMs);
      return [figure, new Set(instants).size] as const;
    });
  return counts.toSorted(([, a], [, b]) => a - b)[0] ?? ['nothing', 0];
}
