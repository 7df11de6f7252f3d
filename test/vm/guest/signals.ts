// The kernel's signals where they are real: cgroup v2 with memory and CPU limits, each hook opened by itself, each made to fire.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from '../../../native/addon.ts';
import { emptyDelays, openNative, readDelays } from '../../../native/index.ts';
import type { EventHook, Hook, IteratorSample, KernelEvent, Native, ThrottleEvent } from '../../../native/index.ts';
import { CGROUP_ROOT, makeContainer } from './cgroup.ts';
import { progress, result } from './say.ts';
import { pause, until } from './until.ts';

const ADDON = 'file:///headroom/build/Release/headroom.node';
const WORKLOAD = '/headroom/dist/test/vm/guest/workload.js';
const EVENT_HOOKS: readonly EventHook[] = ['memory-alarm', 'oom-begin', 'oom-victim', 'throttle', 'cgroup-life'];
const LIMIT_MIB = 160;
const LEAK_MIB_PER_S = 100;
const MIB = 2 ** 20;

/** One event and when JavaScript had it. */
interface Heard {
  readonly event: KernelEvent;
  readonly heardBootMs: number;
}

export interface LeakResult {
  readonly cgroupId: number;
  readonly pid: number;
  readonly limitBytes: number;
  /** The first of each kind; undefined: there was none. */
  readonly alarm: KernelEvent | undefined;
  readonly begin: KernelEvent | undefined;
  readonly victim: KernelEvent | undefined;
  /** First change of memory.events as inotify told it, CLOCK_BOOTTIME; 0: never. */
  readonly eventsFileBootMs: number;
  readonly exit: string;
}

export interface ThrottleResult {
  readonly events: number;
  readonly last: ThrottleEvent | undefined;
  /** cpu.stat after the last event. */
  readonly periods: number;
  readonly throttled: number;
}

export interface ReaderResult {
  /** How often the cgroup met its limit, by memory.events. */
  readonly maxEvents: number;
  readonly alarms: number;
}

/** What the files said before and after the walk, and what the iterator found between. */
export interface SamplerResult {
  readonly program: string;
  readonly found: boolean;
  readonly foundUntracked: boolean;
  readonly before: Readonly<Record<string, number>>;
  readonly sample: IteratorSample;
  readonly after: Readonly<Record<string, number>>;
}

export interface RunQueueResult {
  readonly buckets: readonly number[];
  readonly delayMs: number;
}

export async function signals(): Promise<void> {
  const attempt = openNative(64, loadAddon([ADDON]));
  if (attempt.kind === 'missing') throw new Error(`${attempt.cause}: ${attempt.cure}`);
  const native = attempt.value;
  const heard: Heard[] = [];
  const hooks = new Map<string, Hook>();
  for (const name of EVENT_HOOKS) {
    const knobs = name === 'memory-alarm' ? { percent: 80, interval_ns: 20e6 } : {};
    const opened = native.openEvents(name, knobs, (event) => heard.push({ event, heardBootMs: native.bootTimeMs() }));
    result(`hook ${name}`, opened.kind === 'ready' ? opened.value.program : opened.cause);
    if (opened.kind === 'ready') hooks.set(name, opened.value);
  }
  progress('leaks');
  result('leak', await leak(native, hooks, heard, 1, ''));
  result('nested leak', await leak(native, hooks, heard, 2, 'nested'));
  progress('throttling');
  result('throttle', await throttle(hooks, heard));
  progress('reading files');
  result('reader', await reader(hooks, heard));
  result('sampler', await sampler(native));
  result('pressure', await pressure(native));
  result('run-queue', await runQueue(native));
  result(
    'births',
    heard.flatMap(({ event }) => (event.kind === 'cgroup-born' ? [event.path] : [])),
  );
  result(
    'latencies ms',
    heard.map(({ event, heardBootMs }) => Math.round((heardBootMs - event.atBootMs) * 100) / 100),
  );
  result('counts', Object.fromEntries([...hooks].map(([name, hook]) => [name, hook.counts()])));
  for (const hook of hooks.values()) hook.close();
}

function keyed(directory: string, file: string): Record<string, number> {
  const lines = readFileSync(join(directory, file), 'latin1').trim().split('\n');
  return Object.fromEntries(lines.map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]));
}

interface Tracked {
  readonly directory: string;
  readonly id: number;
}

function container(number: number, hooks: ReadonlyMap<string, Hook>): Tracked {
  const directory = makeContainer(`e000000${number}-0b1f-4a44-9d1e-5a7e9c1d0001`, `e${number}`.repeat(32));
  const id = statSync(directory).ino;
  for (const hook of hooks.values()) hook.track(id, number);
  return { directory, id };
}

function work(directory: string, ...task: readonly string[]): ChildProcess {
  return spawn(process.execPath, [WORKLOAD, directory, ...task], { stdio: 'ignore' });
}

async function ended(child: ChildProcess): Promise<string> {
  return until('the workload’s end', 30_000, () => child.signalCode ?? child.exitCode?.toString() ?? undefined);
}

async function leak(
  native: Native,
  hooks: ReadonlyMap<string, Hook>,
  heard: readonly Heard[],
  number: number,
  below: string,
): Promise<LeakResult> {
  const { directory, id } = container(number, hooks);
  writeFileSync(join(directory, 'memory.max'), `${LIMIT_MIB * MIB}`);
  let eventsFileBootMs = 0;
  const watcher = watch(join(directory, 'memory.events'), () => (eventsFileBootMs ||= native.bootTimeMs()));
  const inside = join(directory, below);
  if (below !== '') makeNested(directory, inside);
  const child = work(inside, 'leak', String(LEAK_MIB_PER_S));
  const exit = await ended(child);
  await pause(100);
  watcher.close();
  const first = (kind: KernelEvent['kind']): KernelEvent | undefined =>
    heard.find(({ event }) => event.cgroupId === id && event.kind === kind)?.event;
  return {
    cgroupId: id,
    pid: child.pid ?? 0,
    limitBytes: LIMIT_MIB * MIB,
    alarm: first('memory-alarm'),
    begin: first('oom-begin'),
    victim: first('oom-victim'),
    eventsFileBootMs,
    exit,
  };
}

/** What a container that runs containers does: memory is charged below, the limit stays above. */
function makeNested(directory: string, inside: string): void {
  writeFileSync(join(directory, 'cgroup.subtree_control'), '+memory +cpu');
  mkdirSync(inside);
}

async function throttle(hooks: ReadonlyMap<string, Hook>, heard: readonly Heard[]): Promise<ThrottleResult> {
  const { directory, id } = container(3, hooks);
  writeFileSync(join(directory, 'cpu.max'), '20000 100000');
  const child = work(directory, 'burn', '1');
  await pause(4000);
  const events = heard.flatMap(({ event }) => (event.cgroupId === id && event.kind === 'throttle' ? [event] : []));
  const stat = keyed(directory, 'cpu.stat');
  child.kill('SIGKILL');
  await ended(child);
  return {
    events: events.length,
    last: events.at(-1),
    periods: stat['nr_periods'] ?? NaN,
    throttled: stat['nr_throttled'] ?? NaN,
  };
}

/** Twice the limit of files: the cgroup sits at its limit all the time and needs nothing. */
async function reader(hooks: ReadonlyMap<string, Hook>, heard: readonly Heard[]): Promise<ReaderResult> {
  const { directory, id } = container(4, hooks);
  writeFileSync(join(directory, 'memory.max'), `${LIMIT_MIB * MIB}`);
  const file = '/tmp/big';
  const child = work(directory, 'read', String(2 * LIMIT_MIB), file);
  await pause(500);
  const maxEvents = (): number => keyed(directory, 'memory.events')['max'] ?? 0;
  await until('the reader at its limit', 40_000, () => (maxEvents() > 20 ? true : undefined));
  await pause(1000);
  const events = maxEvents();
  child.kill('SIGKILL');
  await ended(child);
  rmSync(file, { force: true });
  return {
    maxEvents: events,
    alarms: heard.filter(({ event }) => event.cgroupId === id && event.kind === 'memory-alarm').length,
  };
}

/** The iterator's numbers between two readings of the files. */
async function sampler(native: Native): Promise<SamplerResult | string> {
  const opened = native.openSampler(CGROUP_ROOT, {});
  if (opened.kind === 'missing') return opened.cause;
  const { directory, id } = container(5, new Map([['sampler', opened.value]]));
  writeFileSync(join(directory, 'memory.max'), `${LIMIT_MIB * MIB}`);
  writeFileSync(join(directory, 'cpu.max'), '50000 100000');
  const file = '/tmp/small';
  const child = work(directory, 'read', '48', file);
  await pause(3000);
  const files = (): Record<string, number> => {
    const [cpu, memory] = [keyed(directory, 'cpu.stat'), keyed(directory, 'memory.stat')];
    return {
      usageUs: cpu['usage_usec']!,
      periods: cpu['nr_periods']!,
      throttledUs: cpu['throttled_usec']!,
      inactiveFile: memory['inactive_file']!,
      activeFile: memory['active_file']!,
      current: Number(readFileSync(join(directory, 'memory.current'), 'latin1')),
      pids: Number(readFileSync(join(directory, 'pids.current'), 'latin1')),
    };
  };
  const before = files();
  opened.value.walk();
  const after = files();
  const sample = {} as IteratorSample;
  const found = opened.value.read(5, sample);
  opened.value.untrack(id);
  opened.value.walk();
  const foundUntracked = opened.value.read(5, sample);
  child.kill('SIGKILL');
  await ended(child);
  rmSync(file, { force: true });
  opened.value.close();
  return { program: opened.value.program, found, foundUntracked, before, sample, after };
}

/** Reclaim of a cgroup at memory.high is a stall: 20 ms of it within half a second. */
async function pressure(native: Native): Promise<number | string> {
  const { directory } = container(6, new Map());
  writeFileSync(join(directory, 'memory.high'), `${(LIMIT_MIB / 2) * MIB}`);
  const wakes: number[] = [];
  const trigger = { kind: 'some', stallUs: 20_000, windowUs: 500_000 } as const;
  const opened = native.openPressure(join(directory, 'memory.pressure'), trigger, (kind) => {
    if (kind === 'fired') wakes.push(native.bootTimeMs());
  });
  if (opened.kind === 'missing') return opened.cause;
  const child = work(directory, 'leak', String(LEAK_MIB_PER_S));
  await until('a wake of the trigger', 20_000, () => (wakes.length > 0 ? true : undefined));
  child.kill('SIGKILL');
  await ended(child);
  opened.value.close();
  return wakes.length;
}

/** Four processes that want both CPUs for themselves. */
async function runQueue(native: Native): Promise<RunQueueResult | string> {
  const opened = native.openRunQueue({});
  if (opened.kind === 'missing') return opened.cause;
  const { directory } = container(7, new Map([['run-queue', opened.value]]));
  const children = [1, 2, 3, 4].map(() => work(directory, 'burn', '1'));
  await pause(4000);
  const delays = emptyDelays();
  readDelays(opened.value.slots, 7, delays);
  for (const child of children) child.kill('SIGKILL');
  opened.value.close();
  return { buckets: [...delays.buckets], delayMs: delays.delayMs };
}
