// How late the kernel's words reach the agent while it samples 250 containers (and pushes to nobody: encoding takes an emulated CPU
// tens of milliseconds), and what the cgroup iterator costs beside the files whose
// fields it reads, on real cgroup v2.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCpuMax } from '../../../agent/cgroup/cpu-max.ts';
import { parseCpuStat } from '../../../agent/cgroup/cpu-stat.ts';
import { parseMemoryEvents } from '../../../agent/cgroup/memory-events.ts';
import { parseMemoryStat } from '../../../agent/cgroup/memory-stat.ts';
import { emptySample } from '../../../agent/cgroup/sample.ts';
import { parseSingleValue } from '../../../agent/cgroup/single-value.ts';
import { loadAddon } from '../../../native/addon.ts';
import { openNative } from '../../../native/index.ts';
import type { Attempt, IteratorSample, Native } from '../../../native/index.ts';
import { CGROUP_ROOT, makeContainer } from './cgroup.ts';
import { progress, result } from './say.ts';
import { pause } from './until.ts';
import { startAgent } from './watching-agent.ts';

const ADDON = 'file:///headroom/build/Release/headroom.node';
/** A shell, because starting a Node takes an emulated CPU some seconds. */
const BURN = 'echo 0 > "$1/cgroup.procs" && while :; do :; done';
const CONTAINERS = 250;
/** Each is throttled ten times a second. */
const THROTTLED = 4;
const SETTLE_MS = 6000;
const MEASURED_MS = 40_000;
const ROUNDS = 12;

export interface SamplingCost {
  /** CPU of this process a round, ms. */
  readonly iteratorMs: number;
  readonly filesMs: number;
  readonly statMs: number;
}

export async function latency(): Promise<void> {
  const native = readyOr(openNative(512, loadAddon([ADDON])));
  const directories = Array.from({ length: CONTAINERS }, (_, index) => makeContainer(...names('9', index)));
  progress(`${CONTAINERS} containers`);
  result('sampling', samplingCost(native, directories));
  const agent = await startAgent('bpf', 19471, true, undefined);
  await pause(SETTLE_MS);
  progress('the agent samples them');
  const children = directories.slice(0, THROTTLED).map((directory) => {
    writeFileSync(join(directory, 'cpu.max'), '5000 100000');
    return spawn('/bin/sh', ['-c', BURN, 'burn', directory], { stdio: 'ignore' });
  });
  await pause(SETTLE_MS);
  const before = await agent.metrics();
  await pause(MEASURED_MS);
  for (const child of children) child.kill('SIGKILL');
  result('before', before);
  result('after', await agent.metrics());
  await agent.stop();
}

/** The same fields of the same cgroups, in turn: a walk and its slots, and the files kept open. The file cache costs a memory.stat. */
function samplingCost(native: Native, directories: readonly string[]): SamplingCost {
  const sampler = readyOr(native.openSampler(CGROUP_ROOT, {}));
  for (const [slot, directory] of directories.entries()) sampler.track(statSync(directory).ino, slot);
  const names = ['cpu.stat', 'memory.current', 'memory.events', 'memory.max', 'memory.high', 'cpu.max', 'pids.current', 'memory.swap.current', 'memory.stat']; // prettier-ignore
  const files = directories.map((directory) => names.map((name) => openSync(join(directory, name), 'r')));
  const [buffer, sample, walked] = [Buffer.alloc(8192), emptySample(), {} as IteratorSample];
  const read = (file: number): number => readSync(file, buffer, 0, buffer.length, 0);
  const pass = {
    iterator(): void {
      sampler.walk();
      for (let slot = 0; slot < directories.length; slot++)
        if (!sampler.read(slot, walked)) throw new Error('a cgroup was not found');
    },
    files(): void {
      for (const [stat, current, events, max, high, cpuMax, pids, swap] of files as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ][]) {
        // prettier-ignore
        parseCpuStat(buffer, read(stat), sample);
        parseMemoryEvents(buffer, read(events), sample);
        parseCpuMax(buffer, read(cpuMax), sample);
        for (const file of [current, max, high, pids, swap]) parseSingleValue(buffer, read(file));
      }
    },
    stat(): void {
      for (const each of files) parseMemoryStat(buffer, read(each[8]!), sample);
    },
  };
  const costMs = { iterator: [] as number[], files: [] as number[], stat: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of ['iterator', 'files', 'stat'] as const) {
      const before = process.cpuUsage();
      pass[side]();
      const { user, system } = process.cpuUsage(before);
      if (round >= 2) costMs[side].push((user + system) / 1000);
    }
  }
  for (const file of files.flat()) closeSync(file);
  sampler.close();
  return { iteratorMs: median(costMs.iterator), filesMs: median(costMs.files), statMs: median(costMs.stat) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function names(kind: string, number: number): [uid: string, containerId: string] {
  const digits = String(number).padStart(7, '0');
  return [`${kind}${digits}-0b1f-4a44-9d1e-5a7e9c1d0001`, `${kind}${digits}`.repeat(8)];
}

function readyOr<T>(attempt: Attempt<T>): T {
  if (attempt.kind === 'ready') return attempt.value;
  throw new Error(`${attempt.cause}: ${attempt.cure}`);
}
