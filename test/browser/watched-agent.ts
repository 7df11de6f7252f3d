// The built agent on a generated cgroup tree: a steady container, one that is throttled, and one that leaks towards its limit.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGeneratedCgroups } from '../e2e/cgroups/generated-cgroups.ts';

const MAIN = new URL('../../dist/agent/main.js', import.meta.url).pathname;
const MIB = 1024 * 1024;
const MOVE_MS = 250;
const LEAK_LIMIT_BYTES = 256 * MIB;

export const TOKEN = 'browser-test-token';

export interface WatchedAgent {
  readonly url: string;
  /** The leak begins now. */
  leak(): void;
  close(): Promise<void>;
}

export async function startWatchedAgent(): Promise<WatchedAgent> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
  const folder = mkdtempSync(join(tmpdir(), 'headroom-browser-'));
  const cgroups = createGeneratedCgroups(join(folder, 'cgroup'));
  const container = (letter: string): string => {
    const uid = `${letter.repeat(8)}_0000_4000_8000_${letter.repeat(12)}`;
    const id = letter.repeat(64);
    const pod = `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid}.slice`;
    return `${pod}/cri-containerd-${id}.scope`;
  };
  const [steady, busy, leaking] = [container('a'), container('b'), container('c')];
  let leakedFromMs = Infinity;
  for (const path of [steady, busy, leaking]) cgroups.make(path);
  cgroups.setLoad(steady, () => ({ cpuCores: 0.2, memoryBytes: 100 * MIB }));
  cgroups.setLoad(busy, () => ({ cpuCores: 0.9, memoryBytes: 50 * MIB }));
  cgroups.setLoad(leaking, () => {
    const leakedS = Math.max(0, (performance.now() - leakedFromMs) / 1000);
    return { cpuCores: 0.05, memoryBytes: Math.min(LEAK_LIMIT_BYTES, 120 * MIB + leakedS * 20 * MIB) };
  });
  cgroups.write(leaking, 'memory.limit', LEAK_LIMIT_BYTES);
  cgroups.write(busy, 'cpu.limit', 1000);
  cgroups.move();
  const moving = setInterval(() => cgroups.move(), MOVE_MS);
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, TOKEN);
  const flags = ['--node-name=browser-node', `--cgroup-root=${cgroups.root}`, `--debug-token-file=${tokenFile}`];
  const child = spawn(process.execPath, [MAIN, ...flags, '--listen=127.0.0.1:0', '--debug-listen=127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return {
    url: `http://127.0.0.1:${await debugPort(child)}`,
    leak: () => void (leakedFromMs = performance.now()),
    close: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
      clearInterval(moving);
      cgroups.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function debugPort({ stdout }: ChildProcess): Promise<number> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += String(chunk);
    const line = text.split('\n').find((each) => each.includes('"listening"') && each.endsWith('}'));
    if (line !== undefined) return (JSON.parse(line) as { ports: { debug: number } }).ports.debug;
  }
  throw new Error(`the agent ended before it listened: ${text}`);
}
