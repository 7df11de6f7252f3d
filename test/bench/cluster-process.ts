// The aggregator as a process of the cluster bench: started with its own command line, asked through its probe, and measured
// from outside by /proc (CPU in ns by schedstat, resident memory).
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ProbeOrder } from './cluster-probe.ts';

/** Source and built files alike. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const STOP_TIMEOUT_MS = 10_000;

export function beside(name: string): string {
  return fileURLToPath(new URL(`./${name}${EXTENSION}`, import.meta.url));
}

/** A process of the bench's own code. */
export function forkBeside(name: string): ChildProcess {
  return fork(beside(name));
}

export interface Command {
  readonly node: string;
  readonly nodeFlags: readonly string[];
  readonly entry: string;
  readonly flags: readonly string[];
  /** Beside this process's own environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** @param onLog a line of what it writes */
export function startAggregator(command: Command, onLog: (line: string) => void): ChildProcess {
  const args = [...command.nodeFlags, '--import', beside('cluster-probe'), command.entry, ...command.flags];
  const child = spawn(command.node, args, {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, ...command.environment },
  });
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLog(line);
  });
  return child;
}

/** One order at a time: the next message is the answer. */
export async function asked<Answer>(child: ChildProcess, order: ProbeOrder | object): Promise<Answer> {
  child.send(order);
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error(`a process of the bench ended: ${child.spawnargs.join(' ')}`);
  });
  try {
    const [answer] = (await Promise.race([once(child, 'message', { signal }), ended])) as [Answer];
    return answer;
  } finally {
    ended.catch(() => {}); // by the signal
    settled.abort();
  }
}

export async function stopped(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
  clearTimeout(timer);
}

/** CPU of all threads, ms. */
export function cpuMs(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const ns = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]));
  return ns.reduce((sum, one) => sum + one, 0) / 1e6;
}

export interface Resident {
  readonly nowMib: number;
  /** Highest since the peak was forgotten. */
  readonly peakMib: number;
}

export function resident(pid: number): Resident {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const mib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { nowMib: mib('VmRSS'), peakMib: mib('VmHWM') };
}

/** proc(5): 5 resets VmHWM to what it is now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
