// The kubelet's /metrics/resource (KEP 1206 names): counters and levels of the node and its containers.
// A line that can't be read costs its own value and no other; pods' own sums and unknown series are passed over.
import { readExposition } from './exposition-line.ts';
import type { ExposedSample } from './exposition-line.ts';

/** NaN: not told. */
export interface Reading {
  /** Counter since the cgroup's birth. */
  cpuSeconds: number;
  /** When CPU was read, Unix ms on the node's clock. Memory may carry another time: CPU's counts, as the rate is CPU's. */
  atMs: number;
  workingSetBytes: number;
  swapBytes: number;
  /** Start of the container, Unix ms on the node's clock. */
  startMs: number;
}

export interface ContainerReading extends Reading {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface KubeletReading {
  readonly node: Reading;
  /** By "namespace/pod/container". */
  readonly containers: ReadonlyMap<string, ContainerReading>;
  /** Lines of series that are read here and could not be. */
  readonly badLines: number;
  /** The kubelet's own word that it could not get at the numbers (resource_scrape_error). */
  readonly saysError: boolean;
}

type Field = 'cpuSeconds' | 'workingSetBytes' | 'swapBytes' | 'startMs';

const NODE_SERIES: ReadonlyMap<string, Field> = new Map([
  ['node_cpu_usage_seconds_total', 'cpuSeconds'],
  ['node_memory_working_set_bytes', 'workingSetBytes'],
  ['node_swap_usage_bytes', 'swapBytes'],
]);
const CONTAINER_SERIES: ReadonlyMap<string, Field> = new Map([
  ['container_cpu_usage_seconds_total', 'cpuSeconds'],
  ['container_memory_working_set_bytes', 'workingSetBytes'],
  ['container_swap_usage_bytes', 'swapBytes'],
  ['container_start_time_seconds', 'startMs'],
]);
const ERROR_SERIES: ReadonlySet<string> = new Set(['resource_scrape_error', 'scrape_error']);

const FIRST_LETTERS = [...NODE_SERIES.keys(), ...CONTAINER_SERIES.keys(), ...ERROR_SERIES]
  .map((name) => name.charCodeAt(0))
  .filter((letter, at, all) => all.indexOf(letter) === at);

/** As many as an agent may report. */
const MAX_CONTAINERS = 8192;
/** Longest DNS subdomain; a container's name is a label of 63. */
const MAX_NAME = 253;
const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/;

export function readResourceMetrics(text: string): KubeletReading {
  const node = noReading();
  const containers = new Map<string, ContainerReading>();
  let badLines = 0;
  let saysError = false;
  for (const line of linesOf(text)) {
    const name = NAME.exec(line)?.[0] ?? '';
    const nodeField = NODE_SERIES.get(name);
    const field = nodeField ?? CONTAINER_SERIES.get(name);
    const isError = ERROR_SERIES.has(name);
    if (field === undefined && !isError) continue;
    const sample = readExposition(line);
    const reading = nodeField === undefined && field !== undefined ? containerOf(containers, sample) : node;
    if (sample === undefined || reading === undefined) badLines++;
    else if (field === undefined) saysError ||= sample.value !== 0;
    else set(reading, field, sample);
  }
  return { node, containers, badLines, saysError };
}

/** Lines that may be of a series that is read here, by their first letter: not comments and pods' sums. */
function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const to = end === -1 ? text.length : end;
    if (FIRST_LETTERS.includes(text.charCodeAt(from))) yield text.slice(from, to);
    from = to + 1;
  }
}

function set(reading: Reading, field: Field, { value, atMs }: ExposedSample): void {
  reading[field] = field === 'startMs' ? value * 1000 : value;
  if (field === 'cpuSeconds') reading.atMs = atMs;
}

/** Undefined when the labels name no container, or there are too many. */
function containerOf(
  containers: Map<string, ContainerReading>,
  sample: ExposedSample | undefined,
): ContainerReading | undefined {
  if (sample === undefined) return undefined;
  const { namespace = '', pod = '', container = '' } = sample.labels;
  if (![namespace, pod, container].every(isName)) return undefined;
  const key = `${namespace}/${pod}/${container}`;
  const known = containers.get(key);
  if (known !== undefined || containers.size >= MAX_CONTAINERS) return known;
  const made = { namespace, pod, container, ...noReading() };
  containers.set(key, made);
  return made;
}

function isName(text: string): boolean {
  return text !== '' && text.length <= MAX_NAME && !text.includes('/');
}

function noReading(): Reading {
  return { cpuSeconds: NaN, atMs: NaN, workingSetBytes: NaN, swapBytes: NaN, startMs: NaN };
}
