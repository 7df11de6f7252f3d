// The built agent: as it comes, or on a kernel without BTF, where PSI triggers and inotify are all it has.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { AGENT_NODE_FLAGS } from '../../../agent/flags.ts';
import { until } from './until.ts';

const AGENT = '/headroom/dist/agent/main.js';
const HIDE_BTF = ['/bin/unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', 'sh'];
const START_MS = 60_000;

export interface WatchingAgent {
  readonly pid: number;
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

/** @param aggregator where it pushes to; undefined: it only observes */
export async function startAgent(
  name: string,
  port: number,
  btf: boolean,
  aggregator: string | undefined,
): Promise<WatchingAgent> {
  const token = `/run/${name}-token`;
  writeFileSync(token, 'token');
  const pushing = aggregator === undefined ? [] : [`--aggregator=${aggregator}`, `--token-file=${token}`];
  const flags = [`--node-name=${name}`, ...pushing, `--listen=127.0.0.1:${port}`, '--debug-listen=127.0.0.1:0'];
  const program = [process.execPath, ...AGENT_NODE_FLAGS, AGENT, ...flags];
  const [command = '', ...args] = btf ? program : [...HIDE_BTF, ...program];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-8000)));
  await until(`${name} is ready`, START_MS, async () => {
    if (child.exitCode !== null) throw new Error(`${name} exited with ${child.exitCode}: ${text}`);
    return (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200 ? true : undefined;
  });
  return {
    pid: child.pid!,
    metrics: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    stop: async () => {
      child.kill('SIGTERM');
      await until('the agent’s end', 20_000, () => child.exitCode ?? child.signalCode ?? undefined);
    },
  };
}
