// What listening to the kernel costs and how fast it is: events to JavaScript, the run-queue hook on a storm of context switches,
// idling, and the iterator beside kept files. Whatever is paired takes turns in the same run, so that the machine's noise hits both.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCpuStat } from '../../agent/cgroup/cpu-stat.ts';
import { openHierarchy } from '../../agent/cgroup/hierarchy.ts';
import type { Hierarchy } from '../../agent/cgroup/hierarchy.ts';
import { emptySample } from '../../agent/cgroup/sample.ts';
import { openNative } from '../../native/index.ts';
import type { Attempt, EventHook, Hook, IteratorSample, Native } from '../../native/index.ts';
import { compiled } from './compiled.ts';
import type { Figure } from './figure.ts';
import { makeCgroups } from './sampling-cgroups.ts';

const BENCH = 'native';
const CONTAINERS = 250;
const EVENT_HOOKS: readonly EventHook[] = ['memory-alarm', 'oom-begin', 'oom-victim', 'throttle', 'cgroup-life'];
/** Issue 5, Must hold. */
const BOUNDS = { callbackMs: 1, switchNs: 100, storm: 0.045, idle: 0.001, iterator: 0.25, eventsPerS: 10_000 };
/** Read of each container each second, in slices of 1 ms at most. */
const SAMPLED = ['cpu.stat', 'cpu.pressure', 'memory.pressure', 'io.pressure'];
const SLICE_READS = 20;
const SLICE_MS = 20;
const SWITCH_ROUNDS = 60;
const SWITCHES = 8000;
const CHURN_SECONDS = 4;
const buffer = Buffer.alloc(4096);

/** @throws Error with cause and cure when the addon is missing or the kernel refuses what the figures need */
export async function benchNative(): Promise<Figure[]> {
  const native = ready(openNative(4096));
  const hierarchy = openHierarchy('/sys/fs/cgroup');
  const cgroups = makeCgroups(hierarchy, CONTAINERS);
  try {
    const figures = [
      await idle(native), // first: nothing to collect is left over yet
      ...(await latency(native, hierarchy, cgroups.paths, '')),
    ];
    if (preferThisProcess())
      figures.push(...(await latency(native, hierarchy, cgroups.paths, ', with real-time priority')));
    return [...figures, ...(await contextSwitches(native)), ...iterator(native, hierarchy, cgroups.paths)];
  } finally {
    await cgroups.remove();
  }
}

/**
 * Then the path alone, not whatever else runs on the machine: real-time priority where it is permitted, for this process and its children.
 * @returns whether it has it
 */
function preferThisProcess(): boolean {
  return spawnSync('chrt', ['--fifo', '--pid', '10', String(process.pid)]).status === 0;
}

/** From the kernel's own instant to the callback, while all containers are read once a second, as the agent does. */
async function latency(native: Native, hierarchy: Hierarchy, paths: readonly string[], how: string): Promise<Figure[]> {
  const files = paths.flatMap((path) =>
    SAMPLED.map((name) => openSync(hierarchy.path('core', `${path}/${name}`), 'r')),
  );
  let next = 0;
  const sampling = setInterval(() => {
    for (let read = 0; read < SLICE_READS; read++, next++)
      readSync(files[next % files.length]!, buffer, 0, buffer.length, 0);
  }, SLICE_MS);
  const figures: Figure[] = [];
  for (const rate of [200, BOUNDS.eventsPerS]) {
    const seen = await churn(native, hierarchy, rate);
    const name = `${rate === 200 ? '' : ` at ${Math.round(seen.perS / 1000)} k events a second`}${how}`;
    const percentile = (share: number): number =>
      round3(seen.latenciesMs[Math.floor(seen.latenciesMs.length * share)]!);
    figures.push(
      { bench: BENCH, figure: `kernel event to callback, p50${name}`, value: percentile(0.5), unit: 'ms' },
      { bench: BENCH, figure: `kernel event to callback, p99${name}`, value: percentile(0.99), unit: 'ms', bound: BOUNDS.callbackMs }, // prettier-ignore
    );
    if (rate !== 200) {
      figures.push(
        { bench: BENCH, figure: `events lost${name}`, value: seen.made - seen.latenciesMs.length, unit: 'events', bound: 0 }, // prettier-ignore
        { bench: BENCH, figure: `events counted as dropped${name}`, value: seen.dropped, unit: 'events', bound: 0 },
      );
    }
  }
  clearInterval(sampling);
  for (const file of files) closeSync(file);
  return figures;
}

interface Churn {
  /** Ascending. */
  readonly latenciesMs: readonly number[];
  readonly made: number;
  readonly perS: number;
  readonly dropped: number;
}

async function churn(native: Native, hierarchy: Hierarchy, perS: number): Promise<Churn> {
  const latenciesMs: number[] = [];
  const name = `headroom-bench-${process.pid}-churn`;
  const hook = ready(
    native.openEvents('cgroup-life', {}, (event) => {
      if ('path' in event && event.path === name) latenciesMs.push(native.bootTimeMs() - event.atBootMs);
    }),
  );
  const program = compiled('cgroup_churn.c');
  try {
    const args = [join(hierarchy.root, name), String(perS), String(CHURN_SECONDS)];
    const child = spawn(program.path, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const made = Number((await lines.next()).value);
    await sleep(100);
    const { dropped } = hook.counts();
    latenciesMs.sort((a, b) => a - b);
    return { latenciesMs, made, perS: made / CHURN_SECONDS, dropped };
  } finally {
    hook.close();
    program.remove();
  }
}

/** One CPU, nothing but switches: the worst that a hook in the scheduler can meet. */
async function contextSwitches(native: Native): Promise<Figure[]> {
  const program = compiled('switch_storm.c');
  const child = spawn(program.path, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const switchNs = async (): Promise<number> => {
    child.stdin.write(`${SWITCHES}\n`);
    return Number((await lines.next()).value);
  };
  const nothing = emptyHook();
  try {
    await switchNs();
    const { without, more } = await inTurns(switchNs, {
      empty: nothing.place,
      runQueue: async () => closing([ready(native.openRunQueue({}))]),
      all: async () => closing(everything(native)),
    });
    return [
      { bench: BENCH, figure: 'context switch without hooks', value: round3(without), unit: 'ns' },
      { bench: BENCH, figure: 'run-queue hook on a context switch', value: round3(more.runQueue), unit: 'ns', bound: BOUNDS.switchNs, floor: round3(more.empty) }, // prettier-ignore
      { bench: BENCH, figure: 'all hooks that this kernel takes, share of a storm’s switches', value: round3(more.all / (without + more.all)), unit: 'ratio', bound: BOUNDS.storm }, // prettier-ignore
    ];
  } finally {
    child.stdin.end();
    program.remove();
    nothing.remove();
  }
}

/** @returns what takes the hooks away */
type Open = () => Promise<() => unknown>;

/**
 * One after the other in short turns, round after round, each between two turns without: what the machine does meanwhile is the same for
 * both. The median of the differences.
 */
async function inTurns<Name extends string>(measure: () => Promise<number>, states: Readonly<Record<Name, Open>>) {
  const names = Object.keys(states) as Name[];
  const differences = new Map(names.map((name) => [name, [] as number[]]));
  const without = [await measure()];
  for (let round = 0; round < SWITCH_ROUNDS; round++) {
    for (const name of names) {
      const close = await states[name]();
      const withIt = await measure();
      await close();
      const before = without.at(-1)!;
      without.push(await measure());
      differences.get(name)!.push(withIt - (before + without.at(-1)!) / 2);
    }
  }
  const more = Object.fromEntries(names.map((name) => [name, median(differences.get(name)!)])) as Record<Name, number>;
  return { without: median(without), more };
}

function closing(hooks: readonly Hook[]): () => void {
  return () => hooks.forEach((hook) => hook.close());
}

/** The floor beside the run-queue hook: what the kernel takes to call a program that does nothing. */
function emptyHook() {
  const program = compiled('empty_hook.c');
  const child = spawn(program.path, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const turn = async (state: string): Promise<void> => {
    child.stdin.write('\n');
    const { value } = await lines.next();
    if (value !== state) throw new Error(`the empty hook is ${value ?? 'not to be had'}, not ${state}`);
  };
  return {
    async place(): Promise<() => Promise<void>> {
      await turn('in place');
      return () => turn('away');
    },
    remove(): void {
      child.stdin.end();
      program.remove();
    },
  };
}

function everything(native: Native): readonly Hook[] {
  const attempts: Attempt<Hook>[] = EVENT_HOOKS.map((name) => native.openEvents(name, {}, () => undefined));
  attempts.push(native.openRunQueue({}));
  return attempts.flatMap((attempt) => (attempt.kind === 'ready' ? [attempt.value] : []));
}

/** CPU of this process with every hook open and nothing to hear. */
async function idle(native: Native): Promise<Figure> {
  const hooks = everything(native);
  await sleep(500);
  const before = process.cpuUsage();
  const startMs = performance.now();
  await sleep(5000);
  const { user, system } = process.cpuUsage(before);
  const share = (user + system) / 1000 / (performance.now() - startMs);
  for (const hook of hooks) hook.close();
  return { bench: BENCH, figure: 'idle with all hooks, share of a core', value: round3(share), unit: 'ratio', bound: BOUNDS.idle }; // prettier-ignore
}

/** The same field of the same cgroups: a walk and its slots in turn with a kept cpu.stat each. */
function iterator(native: Native, hierarchy: Hierarchy, paths: readonly string[]): Figure[] {
  const folder = hierarchy.path('core', paths[0]!.split('/')[0]!);
  const sampler = ready(native.openSampler(folder, {}));
  const files = paths.map((path) => openSync(hierarchy.path('core', `${path}/cpu.stat`), 'r'));
  for (const [slot, path] of paths.entries()) sampler.track(statSync(hierarchy.path('core', path)).ino, slot);
  const sample = emptySample();
  const walked = {} as IteratorSample;
  const pass = {
    iterator(): void {
      sampler.walk();
      for (let slot = 0; slot < paths.length; slot++)
        if (!sampler.read(slot, walked)) throw new Error('a cgroup was not found');
    },
    files(): void {
      for (const file of files) parseCpuStat(buffer, readSync(file, buffer, 0, buffer.length, 0), sample);
    },
  };
  const costUs = { iterator: [] as number[], files: [] as number[] };
  for (let round = 0; round < 30; round++) {
    for (const side of ['iterator', 'files'] as const) {
      const before = process.cpuUsage();
      for (let repeat = 0; repeat < 10; repeat++) pass[side]();
      const { user, system } = process.cpuUsage(before);
      if (round >= 5) costUs[side].push((user + system) / 10 / paths.length);
    }
  }
  for (const file of files) closeSync(file);
  sampler.close();
  const [walk, read] = [median(costUs.iterator), median(costUs.files)];
  return [
    { bench: BENCH, figure: `one of ${paths.length} containers by the iterator`, value: round3(walk), unit: 'us' },
    { bench: BENCH, figure: 'iterator, times a kept cpu.stat each', value: round3(walk / read), unit: 'ratio', bound: BOUNDS.iterator }, // prettier-ignore
  ];
}

function ready<T>(attempt: Attempt<T>): T {
  if (attempt.kind === 'ready') return attempt.value;
  throw new Error(`${attempt.cause}: ${attempt.cure}`);
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!;
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
