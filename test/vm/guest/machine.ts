// Is this the machine that the tests mean? Pure cgroup v2 with its controllers, PSI, a disk, and the agent alone on it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CGROUP_ROOT, count, makeContainer } from './cgroup.ts';
import { progress, result } from './say.ts';
import { pause, until } from './until.ts';

const AGENT = '/headroom/dist/agent/main.js';
const UID = '5a7e9c1d-0b1f-4a44-9d1e-000000000001';
const CONTAINER = 'a'.repeat(64);
const START_MS = 30_000;

export async function machine(): Promise<void> {
  const directory = makeContainer(UID, CONTAINER);
  result('kernel', readFileSync('/proc/version', 'latin1').trim());
  result('controllers', readFileSync(join(CGROUP_ROOT, 'cgroup.controllers'), 'latin1').trim().split(' '));
  result(
    'missing container files',
    ['cpu.stat', 'cpu.max', 'cpu.pressure', 'memory.current', 'memory.max', 'memory.events', 'pids.current'].filter(
      (file) => !existsSync(join(directory, file)),
    ),
  );
  result('disk', / \/tmp ext4 /.test(readFileSync('/proc/mounts', 'latin1')));
  progress('agent alone');
  await agentAlone();
  result('counted', count(directory));
}

async function agentAlone(): Promise<void> {
  const startedAt = performance.now();
  let text = '';
  const agent = spawn(process.execPath, [AGENT, '--node-name=guest', '--listen=127.0.0.1:19469'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [agent.stdout, agent.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  try {
    await until('the agent is ready', START_MS, async () => {
      if (agent.exitCode !== null) throw new Error(`the agent exited with ${agent.exitCode}`);
      return (await status('readyz')) === 200 ? true : undefined;
    });
    result('agent ready ms', Math.round(performance.now() - startedAt));
    await pause(2500);
    result('agent metrics', await (await fetch('http://127.0.0.1:19469/metrics')).text());
    agent.kill('SIGTERM');
    result('agent exit', await until('the agent’s end', 10_000, () => agent.exitCode ?? agent.signalCode ?? undefined));
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${text}`, { cause: error });
  } finally {
    agent.kill('SIGKILL');
  }
}

async function status(path: string): Promise<number> {
  try {
    return (await fetch(`http://127.0.0.1:19469/${path}`)).status;
  } catch {
    return 0;
  }
}
