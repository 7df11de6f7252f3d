// The served figures against the kubelet's. Both read the same kernel files at instants of their own, so each figure is held where
// they can be compared: what the metrics API serves against the agent's readings of that very instant and window, and the agent's
// readings, between two of them interpolated, against the kubelet's at the instants that the kubelet tells.
import type { ContainerUsage, PodMetrics } from '../e2e/metrics.ts';
import { bytes, millis } from '../e2e/metrics.ts';
import type { Series } from './agent-series.ts';
import { valueAt, valuesAround } from './agent-series.ts';
import type { KubeletFigures, Told } from './kubelet-figures.ts';

/** One figure served by the metrics API. */
export interface Served {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** The end of the window, on the node's wall clock. */
  readonly atMs: number;
  readonly windowMs: number;
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, µs: 1e-3 };

/** @param text a meta/v1 Duration, Go's: "1m0.5s", "965.3ms" @throws Error when it is none */
function durationMs(text: string): number {
  if (!/^(?:[\d.]+(?:h|ms|m|s|µs))+$/.test(text)) throw new Error(`${text} is no duration`);
  return [...text.matchAll(/([\d.]+)(h|ms|m|s|µs)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0); // prettier-ignore
}

/** @param item of which the usage is, a pod or a node @throws Error when one of its values is none */
export function servedOf(item: Pick<PodMetrics, 'window' | 'timestamp'>, usage: ContainerUsage['usage']): Served {
  const [atMs, windowMs] = [Date.parse(item.timestamp), durationMs(item.window)];
  return { cpuMillis: millis(usage.cpu), memoryBytes: bytes(usage.memory), atMs, windowMs };
}

export interface Difference {
  readonly key: string;
  readonly what: 'cpu' | 'memory';
  readonly against: 'kubelet' | 'served';
  readonly ours: number;
  readonly theirs: number;
  /** Of theirs, without sign. */
  readonly share: number;
  /** Wall clock of theirs, ms. */
  readonly atMs: number;
  /** Told, and not held. */
  readonly notHeld?: boolean;
}

/** The agent's wall clock, as its endpoint tells it, is read a moment before it is told. */
const CLOCK_MS = 50;
/** A shorter stretch is mostly the two readings at its ends: a burst of some ms beside one of them would count as a difference. */
const LEAST_STRETCH_MS = 30_000;
/** Of the CPU of a stretch: where in the two seconds at its ends theirs fell can't be told, so that these may be no more of it. */
const ENDS_SHARE = 0.1;
/** CPU in one second, against the mean: a busier second is a burst, and where in it a sample falls can't be told from its two ends. */
const EVEN_SHARE = 1.5;
/** Of a key's samples the newest so many are looked at: one all of whose samples fall into bursts is none that agrees. */
const NEWEST = 12;
/** Memory that moves more than so much around an instant was given back or taken when neither of the two can tell. */
const STEADY_SHARE = 0.02;
/** The kubelet reads a little before or after the instant that it tells, on a machine that is busy up to two seconds after it. */
const AROUND_MS = [-1000, 0, 1000, 2000];
/**
 * Of more samples than so many the worst is not held: what a process takes and gives back within a tenth of a second (a TLS handshake,
 * a collection) is in one of a minute's samples now and then, and in no reading around it. What is read wrongly is so in the others too.
 */
const HELD_WHOLE = 3;
/** What a container at rest uses when it wakes, microseconds a second. */
const REST_US = 5_000;
export interface KubeletHistory {
  add(figures: KubeletFigures): void;
  /** Samples of a key, oldest first. */
  cpu(key: string): readonly Told[];
  memory(key: string): readonly Told[];
  /** Whether its samples reach over a stretch that can be compared. */
  spans(key: string): boolean;
}

export function kubeletHistory(): KubeletHistory {
  const cpu = new Map<string, Told[]>();
  const memory = new Map<string, Told[]>();
  const keep = (into: Map<string, Told[]>, from: ReadonlyMap<string, Told>): void => {
    for (const [key, told] of from) {
      const samples = into.get(key) ?? [];
      if (samples.at(-1)?.atMs !== told.atMs) into.set(key, [...samples, told]);
    }
  };
  return {
    add: ({ cpuSeconds, workingSet }) => {
      keep(cpu, cpuSeconds);
      keep(memory, workingSet);
    },
    cpu: (key) => cpu.get(key) ?? [],
    memory: (key) => memory.get(key) ?? [],
    spans: (key) => {
      const [first, last] = [cpu.get(key)?.[0], cpu.get(key)?.at(-1)];
      return first !== undefined && last !== undefined && last.atMs - first.atMs >= LEAST_STRETCH_MS;
    },
  };
}

/**
 * The kubelet's newest samples of a key that fall into no burst; CPU over the stretches that end with them and begin with the first such
 * sample whose second, and theirs, are a small part of the stretch. In a burst a process may allocate and give back tens of MiB between two readings of the agent.
 * @returns what could be compared
 */
export function againstKubelet(key: string, history: KubeletHistory, series: Series): readonly Difference[] {
  const burstUs = burstOf(series);
  const secondUs = ({ atMs }: Told): number => {
    const around = valuesAround(series, 'cpuUsageUs', atMs);
    return around === undefined ? Infinity : around.after - around.before;
  };
  const even = (told: Told): boolean => secondUs(told) <= burstUs;
  const memory = history
    .memory(key)
    .slice(-NEWEST)
    .filter(even)
    .flatMap((told) => {
      const held = valueAt(series, 'workingSetBytes', told.atMs);
      if (held === undefined || !isSteady(series, told.atMs)) return [];
      return [difference(key, 'memory', 'kubelet', held, told)];
    });
  const worst = memory.length > HELD_WHOLE ? memory.reduce((a, b) => (b.share > a.share ? b : a)) : undefined;
  // The longest stretches: what their ends can't tell is the smallest part of them.
  const samples = history.cpu(key).filter(even);
  const cpu = history.cpu(key).slice(-NEWEST).filter(even).flatMap((last) => {
    for (const first of samples) {
      if (last.atMs - first.atMs < LEAST_STRETCH_MS) break;
      const used = last.value - first.value;
      if (secondUs(first) + secondUs(last) > Math.max(2 * REST_US, 1e6 * used * ENDS_SHARE)) continue;
      const [from, to] = [first, last].map(({ atMs }) => valueAt(series, 'cpuUsageUs', atMs)) as [number, number];
      return [difference(key, 'cpu', 'kubelet', (to - from) / 1e6, { value: used, atMs: last.atMs })];
    }
    return [];
  }); // prettier-ignore
  return [...memory.map((each) => (each === worst ? { ...each, notHeld: true } : each)), ...cpu];
}

function isSteady(series: Series, atMs: number): boolean {
  const around = AROUND_MS.map((offMs) => valuesAround(series, 'workingSetBytes', atMs + offMs));
  const values = around.flatMap((each) => (each ? [each.before, each.after] : []));
  return values.length === 2 * AROUND_MS.length && Math.max(...values) <= Math.min(...values) * (1 + STEADY_SHARE);
}

/** @returns the CPU of a second from which on it is a burst, microseconds */
function burstOf({ atMs, cpuUsageUs }: Series): number {
  const read = atMs.flatMap((at, index) => (cpuUsageUs[index] == null ? [] : [{ at, usedUs: cpuUsageUs[index] }]));
  const [first, last] = [read[0], read.at(-1)];
  if (!first || !last || first === last) return 0;
  return REST_US + (EVEN_SHARE * 1000 * (last.usedUs - first.usedUs)) / (last.at - first.at);
}

/**
 * The API tells instants in whole seconds, and of a container that the agent reads between two ticks the memory is newer than the
 * window's end, by up to a second: held against the readings within these two seconds, the nearest counts.
 */
export function againstServed(key: string, served: Served, series: Series): readonly Difference[] {
  const { atMs, windowMs, cpuMillis, memoryBytes } = served;
  const ends = series.atMs.filter((at) => at > atMs - 1000 - CLOCK_MS && at < atMs + 1000 + CLOCK_MS);
  const memory = ends.flatMap((at) => {
    const held = valueAt(series, 'workingSetBytes', at);
    return held === undefined ? [] : [difference(key, 'memory', 'served', memoryBytes, { value: held, atMs: at })];
  });
  const cpu = ends.flatMap((at) => {
    const [from, to] = [at - windowMs, at].map((instant) => valueAt(series, 'cpuUsageUs', instant));
    const used = from === undefined || to === undefined ? NaN : (to - from) / windowMs;
    return Number.isNaN(used) ? [] : [difference(key, 'cpu', 'served', cpuMillis, { value: used, atMs: at })];
  });
  return [memory, cpu].flatMap((all) => all.toSorted((a, b) => a.share - b.share).slice(0, 1));
}

function difference(
  key: string,
  what: Difference['what'],
  against: Difference['against'],
  ours: number,
  { value: theirs, atMs }: Told,
): Difference {
  const share = ours === theirs ? 0 : Math.abs(ours - theirs) / theirs;
  return { key, what, against, ours, theirs, share, atMs };
}

export function describe({ key, what, against, ours, theirs, share, notHeld }: Difference): string {
  const unit = what === 'memory' ? 'MiB' : 's or m';
  const figure = (value: number): string => (what === 'memory' ? (value / 2 ** 20).toFixed(2) : value.toFixed(4));
  return `${key} ${what} against ${against}: ${figure(ours)} for ${figure(theirs)} ${unit} (${(share * 100).toFixed(2)} %${notHeld ? ', not held' : ''})`;
}
