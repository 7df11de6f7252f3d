// What the agent takes of an emulated CPU with 16 containers, pushing: while they stand still, beside one that reads a file larger
// than its limit without end, and with one held close to its limit. Beside it a Node that only wakes each second.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT_NODE_FLAGS } from '../../../agent/flags.ts';
import { makeContainer } from './cgroup.ts';
import { receivePushes } from './pushes.ts';
import { progress, result } from './say.ts';
import { pause } from './until.ts';
import { startAgent } from './watching-agent.ts';
import type { WatchingAgent } from './watching-agent.ts';

const WORKLOAD = '/headroom/dist/test/vm/guest/workload.js';
const PORT = 19_472;
const CONTAINERS = 16;
const MIB = 2 ** 20;
/** A shell: a Node would take an emulated CPU seconds to start, and move. */
const STILL = 'echo 0 > "$1/cgroup.procs" && exec sleep 1000';
const READ = 'echo 0 > "$1/cgroup.procs" && while :; do cat "$2" > /dev/null; done';
const FILE = '/tmp/read';
/** What any Node costs that is woken as often. */
const BARE = 'setInterval(() => {}, 1000)';
/** Page cache is charged to whoever reads it in: that must be the reader. */
const FORGET = 'sync && echo 3 > /proc/sys/vm/drop_caches';
const READ_MIB = 96;
const LIMIT_MIB = 64;
/** V8 compiles what is hot, and start pages are given back after 30 s. */
const WARM_UP_MS = 70_000;
const STAGE_MS = 25_000;
const SETTLE_MS = 6000;

export interface CostStage {
  readonly stage: string;
  /** CPU time of all threads, ms a second. */
  readonly cpuMs: number;
  /** And of the main one, where JavaScript runs. */
  readonly mainMs: number;
  /** Voluntary switches of the main thread, a second: each is a wake-up. */
  readonly wakeUps: number;
  readonly signals: number;
  /** CPU time of a Node that only wakes each second, ms a second. */
  readonly floorMs: number;
}

export async function cost(): Promise<void> {
  const pushes = await receivePushes(() => performance.now());
  const directories = Array.from({ length: CONTAINERS }, (_, index) => makeContainer(...names(index)));
  const children = directories.slice(2).map((directory) => run('/bin/sh', '-c', STILL, 'still', directory));
  writeFileSync(FILE, Buffer.alloc(READ_MIB * MIB, 1));
  execFileSync('/bin/sh', ['-c', FORGET]);
  const bare = run(process.execPath, ...AGENT_NODE_FLAGS, '-e', BARE);
  children.push(bare);
  const agent = await startAgent('cost', PORT, false, pushes.url);
  const measured = (stage: string): Promise<CostStage> => stageOf(stage, agent, bare.pid!);
  progress('the agent is ready');
  await pause(WARM_UP_MS);
  const stages = [await measured('still')];
  writeFileSync(join(directories[0]!, 'memory.max'), String(LIMIT_MIB * MIB));
  const reader = run('/bin/sh', '-c', READ, 'read', directories[0]!, FILE);
  await pause(SETTLE_MS);
  stages.push(await measured('a reader'));
  reader.kill('SIGKILL');
  writeFileSync(join(directories[1]!, 'memory.max'), String(2 * LIMIT_MIB * MIB));
  children.push(run(process.execPath, WORKLOAD, directories[1]!, 'hold', '66'));
  await pause(2 * SETTLE_MS);
  stages.push(await measured('one near its limit'));
  result('cost', stages);
  for (const child of children) child.kill('SIGKILL');
  await agent.stop();
  pushes.close();
}

async function stageOf(stage: string, { pid, metrics }: WatchingAgent, barePid: number): Promise<CostStage> {
  const floor = counts(barePid).cpuMs;
  const before = { ...counts(pid), signals: signalsOf(await metrics()), atMs: performance.now() };
  await pause(STAGE_MS);
  const [after, seconds] = [counts(pid), (performance.now() - before.atMs) / 1000];
  const perSecond = (name: 'cpuMs' | 'mainMs' | 'wakeUps'): number => (after[name] - before[name]) / seconds;
  const signals = (signalsOf(await metrics()) - before.signals) / seconds;
  const floorMs = (counts(barePid).cpuMs - floor) / seconds;
  progress(`${stage}: ${perSecond('cpuMs').toFixed(1)} ms a second`);
  return {
    stage,
    floorMs,
    cpuMs: perSecond('cpuMs'),
    mainMs: perSecond('mainMs'),
    wakeUps: perSecond('wakeUps'),
    signals,
  };
}

function counts(pid: number): { readonly cpuMs: number; readonly mainMs: number; readonly wakeUps: number } {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ranMs = (thread: string): number =>
    Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'), 10) / 1e6;
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, 'latin1');
  return {
    cpuMs: threads.reduce((sum, thread) => sum + ranMs(thread), 0),
    mainMs: ranMs(String(pid)),
    wakeUps: Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1]),
  };
}

/** All kinds. */
function signalsOf(metrics: string): number {
  return [...metrics.matchAll(/^headroom_agent_signal_delay_seconds_count\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}

function run(command: string, ...args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: 'ignore' });
}

function names(index: number): [uid: string, containerId: string] {
  const digits = String(index).padStart(7, '0');
  return [`8${digits}-0b1f-4a44-9d1e-5a7e9c1d0001`, `8${digits}`.repeat(8)];
}
