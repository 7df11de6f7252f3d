// The built agent with a receiver for its pushes: as it comes, or on a kernel without BTF, where PSI triggers and inotify are all it has.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { AGENT_NODE_FLAGS } from '../../../agent/flags.ts';
import { receivePushes } from './pushes.ts';
import type { PushReceiver } from './pushes.ts';
import { until } from './until.ts';

const AGENT = '/headroom/dist/agent/main.js';
const HIDE_BTF = ['/bin/unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', 'sh'];
const START_MS = 60_000;

export interface WatchingAgent {
  readonly pushes: PushReceiver;
  /** User and system, ms. */
  cpuMs(): number;
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

export async function startAgent(
  name: string,
  port: number,
  btf: boolean,
  bootTimeMs: () => number,
): Promise<WatchingAgent> {
  const pushes = await receivePushes(bootTimeMs);
  const token = `/run/${name}-token`;
  writeFileSync(token, 'token');
  const flags = [
    `--node-name=${name}`,
    `--aggregator=${pushes.url}`,
    `--token-file=${token}`,
    `--listen=127.0.0.1:${port}`,
  ];
  const program = [process.execPath, ...AGENT_NODE_FLAGS, AGENT, ...flags, '--debug-listen=127.0.0.1:0'];
  const [command = '', ...args] = btf ? program : [...HIDE_BTF, ...program];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-8000)));
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await until(`${name} is ready`, START_MS, async () => {
    if (child.exitCode !== null) throw new Error(`${name} exited with ${child.exitCode}: ${text}`);
    return (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200 ? true : undefined;
  });
  return { pushes, cpuMs: () => cpuMs(child.pid!), metrics, stop: () => stop(child, pushes) };
}

async function stop(child: ChildProcess, pushes: PushReceiver): Promise<void> {
  child.kill('SIGTERM');
  await until('the agent’s end', 20_000, () => child.exitCode ?? child.signalCode ?? undefined);
  pushes.close();
}

/** Clock ticks are 10 ms (USER_HZ). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' '); // prettier-ignore
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
