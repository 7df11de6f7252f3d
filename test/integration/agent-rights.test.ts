// The agent without the rights to everything: a file, a container's directory and the mount itself that it may not read. Each is said, and
// the rest is reported.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './standalone-cluster.ts';
import { UNIFIED_CONTAINER, UNIFIED_ROOT } from '../fixtures/cgroup/recorded.ts';

const STRIPS_TYPES = 'typescript' in process.features && Boolean(process.features.typescript);
const MAIN = new URL(STRIPS_TYPES ? '../../agent/main.ts' : '../../dist/agent/main.js', import.meta.url).pathname;
/** Modes mean something to a root without capabilities, and to everyone else. */
const NO_RIGHTS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];

let root = '';
const running: ChildProcess[] = [];
const closed: string[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headroom-rights-'));
  cpSync(UNIFIED_ROOT, root, { recursive: true });
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  for (const path of closed.splice(0)) chmodSync(path, 0o700);
  rmSync(root, { recursive: true });
});

function close(path: string, mode = 0): void {
  chmodSync(path, mode);
  closed.push(path);
}

interface Line {
  readonly msg: string;
  readonly capabilities?: readonly string[];
  readonly reason?: string;
  readonly ports?: { readonly health: number };
}

/** @returns what it logged until it said what is missing, and its port */
async function startAgent(): Promise<{ readonly port: number; readonly said: readonly Line[] }> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
  if (spawnSync(NO_RIGHTS[0]!, ['--version']).error) throw new Error('setpriv is missing: apt-get install util-linux');
  const rights = process.getuid?.() === 0 ? NO_RIGHTS : [];
  const flags = ['--node-name=n1', `--cgroup-root=${root}`, '--listen=127.0.0.1:0', '--debug-listen=127.0.0.1:0'];
  const [command, ...args] = [...rights, process.execPath, MAIN, ...flags];
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  const said: Line[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    said.push(line);
    const port = said.find(({ ports }) => ports)?.ports?.health;
    // The last capability of the list is always missing here.
    if (port !== undefined && line.capabilities?.includes('memory_lock')) return { port, said };
  }
  throw new Error(`the agent ended: ${JSON.stringify(said)}`);
}

interface RowView {
  readonly cgroup: string;
  readonly memoryCurrentBytes: number | null;
  readonly memoryLimitBytes: number | null;
  readonly pids: number | null;
}

const get = async (port: number, path: string): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  expect(answer.status).toBe(200);
  return answer.text();
};

async function rows(port: number): Promise<readonly RowView[]> {
  return (JSON.parse(await get(port, '/containers')) as { rows: readonly RowView[] }).rows;
}

describe('an agent without rights', () => {
  it('says once why there is no eBPF, of all that it would bring', async () => {
    const { said } = await startAgent();
    const ofPrograms = said.filter(({ capabilities }) => capabilities?.some((name) => name.startsWith('ebpf_')));
    expect(ofPrograms).toHaveLength(1);
    expect(ofPrograms[0]?.capabilities?.filter((name) => name.startsWith('ebpf_'))).toHaveLength(7);
  });

  it('reports a container without the one file that it may not read, and counts the readings', async () => {
    close(join(root, UNIFIED_CONTAINER, 'memory.current'));
    const { port } = await startAgent();
    const row = await until('its slow files', async () =>
      (await rows(port)).find(({ cgroup, pids }) => cgroup === UNIFIED_CONTAINER && pids !== null),
    );
    expect(row).toMatchObject({ memoryCurrentBytes: null, memoryLimitBytes: 67_108_864, pids: 4 });
    await until('a problem counted', async () => {
      const count = /^headroom_agent_read_problems_total (\d+)$/m.exec(await get(port, '/metrics'))?.[1];
      return Number(count) > 0 ? true : undefined;
    });
  });

  it('says that the mount may not be read, and serves what there is', async () => {
    close(root, 0o100);
    const { port, said } = await startAgent();
    expect(said.find(({ capabilities }) => capabilities?.includes('read'))?.reason).toMatch(/can't be read: EACCES/);
    expect(await get(port, '/metrics')).toMatch(
      /^headroom_agent_capability\{name="read",cause="[^"]*EACCES[^"]*"\} 0$/m,
    );
    expect(await get(port, '/healthz')).toBe('ok\n');
  });
});
