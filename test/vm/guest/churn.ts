// Containers that come and go, 50 a second for minutes, under the built agent with all its signals: what it holds before and after.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AGENT_NODE_FLAGS } from '../../../agent/flags.ts';
import { pause, until } from './until.ts';

export interface ChurnOptions {
  /** A cgroup2 directory of the test's own. */
  readonly root: string;
  /** dist/agent/main.js, or its bundle. */
  readonly agent: string;
  readonly perS: number;
  readonly seconds: number;
  readonly say: (text: string) => void;
}

/** What the agent holds at one instant. */
export interface Held {
  readonly descriptors: number;
  /** Of all its inotify instances. */
  readonly watches: number;
  /** Of its own: pages of files come and go with the machine's page cache. */
  readonly anonMib: number;
  readonly rows: number;
  /** Events of cgroup_mkdir and cgroup_rmdir: sent and dropped. */
  readonly lifeSent: number;
  readonly lifeDropped: number;
}

export interface ChurnResult {
  readonly containers: number;
  readonly before: Held;
  /** After half of the containers: V8's heap has its working size by then. */
  readonly half: Held;
  readonly after: Held;
  /** CPU that the agent used meanwhile, share of a core. */
  readonly cpuShare: number;
  /** A container made after all of it is found and measured like the first one. */
  readonly foundAfterMs: number;
  readonly exit: number | string;
}

const LIFE_MS = 700;
const WARM_UP_S = 20;
/** A full scan, a garbage collection, the grace periods of closed triggers. */
const SETTLE_MS = 35_000;
const STEP_MS = 20;

export async function churn({ root, agent, perS, seconds, say }: ChurnOptions): Promise<ChurnResult> {
  for (const path of ['', 'kubepods', 'kubepods/burstable']) {
    if (!existsSync(join(root, path))) mkdirSync(join(root, path));
    enableControllers(join(root, path));
  }
  const flags = ['--node-name=churn', `--cgroup-root=${root}`, '--listen=127.0.0.1:0', '--debug-listen=127.0.0.1:0'];
  const child = spawn(process.execPath, [...AGENT_NODE_FLAGS, agent, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const port = await portOf(child);
    await turnOver(root, perS, WARM_UP_S);
    await pause(SETTLE_MS);
    const before = await held(child.pid!, port);
    say(`before: ${JSON.stringify(before)}`);
    const [startMs, startCpuMs] = [performance.now(), cpuMs(child.pid!)];
    const first = await turnOver(root, perS, seconds / 2);
    const cpuShare = (cpuMs(child.pid!) - startCpuMs) / (performance.now() - startMs);
    await pause(SETTLE_MS);
    const half = await held(child.pid!, port);
    say(`after ${first} containers: ${JSON.stringify(half)}`);
    const containers = first + (await turnOver(root, perS, seconds / 2, first));
    await pause(SETTLE_MS);
    const after = await held(child.pid!, port);
    say(`after ${containers} containers: ${JSON.stringify(after)}, ${(100 * cpuShare).toFixed(1)} % of a core`);
    const foundAfterMs = await findOne(root, port);
    child.kill('SIGTERM');
    const exit = await until('the agent’s end', 20_000, () => child.exitCode ?? child.signalCode ?? undefined);
    return { containers, before, half, after, cpuShare, foundAfterMs, exit };
  } finally {
    child.kill('SIGKILL');
  }
}

/** Makes pods of one container each and removes each a while later. @param from number of the first @returns how many */
async function turnOver(root: string, perS: number, seconds: number, from = 0): Promise<number> {
  const living: { readonly directory: string; readonly untilMs: number }[] = [];
  const startMs = performance.now();
  let made = 0;
  while (performance.now() - startMs < seconds * 1000 || living.length > 0) {
    const nowMs = performance.now();
    const due = Math.min(seconds, (nowMs - startMs) / 1000) * perS;
    for (; made < due; made++) living.push({ directory: makeOne(root, from + made), untilMs: nowMs + LIFE_MS });
    while (living[0] && living[0].untilMs <= nowMs) removeOne(living.shift()!.directory);
    await pause(STEP_MS);
  }
  return made;
}

function makeOne(root: string, number: number): string {
  const digits = number.toString(16).padStart(8, '0');
  const pod = join(root, 'kubepods/burstable', `pod${digits}-0b1f-4a44-9d1e-5a7e9c1d0001`);
  mkdirSync(pod);
  enableControllers(pod);
  const directory = join(pod, digits.repeat(8));
  mkdirSync(directory);
  return directory;
}

function removeOne(directory: string): void {
  rmdirSync(directory);
  rmdirSync(dirname(directory));
}

/** Those that this machine has. */
function enableControllers(directory: string): void {
  const there = readFileSync(join(directory, 'cgroup.controllers'), 'latin1').trim().split(' ').filter((name) => ['cpu', 'memory', 'pids', 'io'].includes(name)); // prettier-ignore
  if (there.length > 0) writeFileSync(join(directory, 'cgroup.subtree_control'), there.map((name) => `+${name}`).join(' ')); // prettier-ignore
}

async function findOne(root: string, port: string): Promise<number> {
  const directory = makeOne(root, 0xffff_ffff);
  const startMs = performance.now();
  const id = directory.slice(directory.lastIndexOf('/') + 1);
  const read = async (): Promise<true | undefined> => {
    const { rows } = (await (await fetch(`http://127.0.0.1:${port}/containers`)).json()) as { rows: { containerId: string }[] }; // prettier-ignore
    return rows.some(({ containerId }) => containerId === id) ? true : undefined;
  };
  await until('the last container', 20_000, read, 10);
  const foundAfterMs = performance.now() - startMs;
  removeOne(directory);
  return foundAfterMs;
}

async function held(pid: number, port: string): Promise<Held> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const figure = (pattern: RegExp): number => Number(pattern.exec(metrics)?.[1] ?? 0);
  const fds = readdirSync(`/proc/${pid}/fd`);
  const watches = fds.map((fd) => [...textOf(`/proc/${pid}/fdinfo/${fd}`).matchAll(/^inotify wd:/gm)].length);
  return {
    descriptors: fds.length,
    watches: watches.reduce((sum, count) => sum + count, 0),
    anonMib: Math.round(Number(/RssAnon:\s+(\d+) kB/.exec(textOf(`/proc/${pid}/status`))?.[1]) / 102.4) / 10,
    rows: [...metrics.matchAll(/^headroom_agent_rows\{.*\} (\d+)$/gm)].reduce((sum, [, rows]) => sum + Number(rows), 0),
    lifeSent: figure(/^headroom_agent_hook_events_total\{hook="cgroup-life",outcome="sent"\} (\d+)$/m),
    lifeDropped: figure(/^headroom_agent_hook_events_total\{hook="cgroup-life",outcome="dropped"\} (\d+)$/m),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // closed meanwhile
  }
}

/** Clock ticks are 10 ms (USER_HZ). */
function cpuMs(pid: number): number {
  const fields = textOf(`/proc/${pid}/stat`).replace(/^.*\) /, '').split(' '); // prettier-ignore
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function portOf(child: ChildProcess): Promise<string> {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-8000)));
  return until('the agent’s port', 60_000, () => {
    if (child.exitCode !== null) throw new Error(`the agent exited with ${child.exitCode}: ${text}`);
    return /"health":(\d+)/.exec(text)?.[1];
  });
}
