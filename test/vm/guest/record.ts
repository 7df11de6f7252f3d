// Containers in need and containers that only look so, recorded as the agent reads them: ten times a second the files, and each signal as it
// comes. agent/shortage/recorded.test.ts replays the logs; `npm run record:signals` makes them anew.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { CgroupFiles } from '../../../agent/cgroup/cgroup-files.ts';
import { openHierarchy } from '../../../agent/cgroup/hierarchy.ts';
import { emptySample } from '../../../agent/cgroup/sample.ts';
import { systemClock } from '../../../agent/runtime/clock.ts';
import type { Signal } from '../../../agent/signals/signal.ts';
import { SignalSources } from '../../../agent/signals/sources.ts';
import { loadAddon } from '../../../native/addon.ts';
import { emptyDelays, openNative } from '../../../native/index.ts';
import { CGROUP_ROOT, makeContainer } from './cgroup.ts';
import { progress, result } from './say.ts';
import { pause, until } from './until.ts';

const ADDON = 'file:///headroom/build/Release/headroom.node';
const WORKLOAD = '/headroom/dist/test/vm/guest/workload.js';
const EVERY_MS = 100;
const MIB = 2 ** 20;

/** Fields of a Sample, in the order of each reading; `waitMs`: of tasks for a CPU, since the beginning. */
export const RECORDED = [
  'atBootMs',
  'cpuUsageUs',
  'periods',
  'throttledPeriods',
  'throttledUs',
  'memoryCurrentBytes',
  'activeFileBytes',
  'inactiveFileBytes',
  'hotRefaultsFile',
  'eventsHigh',
  'eventsMax',
  'eventsOom',
  'memorySomeUs',
  'cpuSomeUs',
  'waitMs',
] as const;

export interface Recording {
  readonly kernel: string;
  readonly memoryLimitBytes: number | null;
  readonly cpuQuotaUs: number | null;
  readonly cpuPeriodUs: number;
  /** The kernel killed for want of memory in the cgroup; null: it did not. CLOCK_BOOTTIME in ms. */
  readonly killedBootMs: number | null;
  readonly fields: readonly string[];
  /** null: not read. */
  readonly readings: readonly (readonly (number | null)[])[];
  readonly signals: readonly Omit<Signal, 'cgroup'>[];
}

interface Case {
  readonly name: string;
  readonly seconds: number;
  /** Files of the cgroup to write before it begins. */
  readonly limits: Readonly<Record<string, string>>;
  readonly tasks: readonly (readonly string[])[];
  /** Tasks of another container. */
  readonly neighbours?: readonly (readonly string[])[];
}

const CASES: readonly Case[] = [
  { name: 'leak', seconds: 10, limits: { 'memory.max': '160' }, tasks: [['leak', '100']] },
  { name: 'burst', seconds: 12, limits: { 'memory.max': '152' }, tasks: [['burst', '140']] },
  { name: 'reader', seconds: 16, limits: { 'memory.max': '128' }, tasks: [['read', '256', '/tmp/read']] },
  { name: 'thrash', seconds: 16, limits: { 'memory.max': '160' }, tasks: [['thrash', '96', '/tmp/hot']] },
  { name: 'throttle', seconds: 12, limits: { 'cpu.max': '20000 100000' }, tasks: [['burn', '0.9']] },
  {
    name: 'neighbour',
    seconds: 12,
    limits: { 'cpu.max': '150000 100000' },
    tasks: [['burn', '0.4']],
    neighbours: [['burn', '1'], ['burn', '1'], ['burn', '1'], ['burn', '1']], // prettier-ignore
  },
];

export async function record(): Promise<void> {
  for (const [index, each] of CASES.entries()) {
    progress(each.name);
    result(each.name, await recorded(each, index + 1));
  }
}

async function recorded({ limits, tasks, neighbours = [], seconds }: Case, number: number): Promise<Recording> {
  const directory = container(number, 'f');
  const beside = container(number, '0');
  for (const [file, value] of Object.entries(limits)) {
    writeFileSync(join(directory, file), file === 'memory.max' ? String(Number(value) * MIB) : value);
  }
  const hierarchy = openHierarchy(CGROUP_ROOT);
  const clock = systemClock();
  const path = directory.slice(CGROUP_ROOT.length + 1);
  const signals: Omit<Signal, 'cgroup'>[] = [];
  const sources = new SignalSources({
    hierarchy,
    clock,
    native: openNative(16, loadAddon([ADDON])),
    onSignal: ({ cgroup, ...signal }) => void (path.startsWith(cgroup) && signals.push(signal)),
    onLife: () => undefined,
  });
  sources.track(path.slice(0, path.lastIndexOf('/')), 'pod');
  sources.track(path, 'container');
  const children = [...neighbours.map((task) => work(beside, task)), ...tasks.map((task) => work(directory, task))];
  const files = new CgroupFiles(hierarchy, path);
  const sample = emptySample();
  const delays = emptyDelays();
  const readings: (number | null)[][] = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    if (readings.length % (1000 / EVERY_MS) === 0) sources.rearm();
    files.readFast(sample, clock.bootTimeMs());
    files.readSlow(sample);
    files.readPressure(sample);
    sample.waitMs = sources.delays(path, delays) ? delays.delayMs : NaN;
    readings.push(RECORDED.map((field) => (Number.isFinite(sample[field]) ? rounded(sample[field]) : null)));
    await pause(EVERY_MS);
  }
  for (const child of children) child.kill('SIGKILL');
  for (const child of children) await until('its end', 20_000, () => child.signalCode ?? child.exitCode ?? undefined);
  files.close();
  sources.close();
  for (const [, , file] of tasks) if (file !== undefined) rmSync(file, { force: true });
  return {
    kernel: release(),
    memoryLimitBytes: finite(sample.memoryLimitBytes),
    cpuQuotaUs: finite(sample.cpuQuotaUs),
    cpuPeriodUs: sample.cpuPeriodUs,
    killedBootMs: signals.find(({ kind }) => kind === 'oom-victim')?.atBootMs ?? null,
    fields: RECORDED,
    readings,
    signals,
  };
}

function container(number: number, kind: string): string {
  return makeContainer(`${kind}000000${number}-0b1f-4a44-9d1e-5a7e9c1d0001`, `${kind}${number}`.repeat(32));
}

function work(directory: string, task: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--expose-gc', WORKLOAD, directory, ...task], { stdio: 'ignore' });
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
