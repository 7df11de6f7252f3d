// What is left without capabilities, without BTF and without the addon: a list of what is missing and why, and sources that work.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../guest/until.ts';
import type { BundledProgram } from './bundled-program.ts';
import { bundledProgram, REPOSITORY } from './bundled-program.ts';

const NO_RIGHTS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
const HIDE_BTF = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', 'sh'];

const HIDE_ADDON = ['unshare', '--mount', 'sh', '-c', `mount -t tmpfs none ${REPOSITORY}/build && exec "$@"`, 'sh'];
const WAIT_MS = 20_000;

/** Starts every source in the way of the agent, sees one change of a memory.events, ends by itself. */
const PROGRAM = `
  import { appendFileSync } from 'node:fs';
  import { SignalSources } from './agent/signals/sources.ts';
  import { openHierarchy } from './agent/cgroup/hierarchy.ts';
  import { systemClock } from './agent/runtime/clock.ts';
  import { openNative } from './native/index.ts';
  import { loadAddon } from './native/addon.ts';
  const [root, addon] = process.argv.slice(2);
  const signals = [];
  const sources = new SignalSources({
    hierarchy: openHierarchy(root),
    clock: systemClock(),
    native: openNative(16, loadAddon([addon])),
    onSignal: (signal) => {
      if (signals.push(signal) > 1) return;
      process.stdout.write(JSON.stringify({ signal, capabilities: sources.capabilities }));
      sources.close();
      clearTimeout(deadline);
    },
    onLife: () => undefined,
  });
  sources.track('a', 'container');
  sources.track('a', 'pod');
  sources.track('a', 'container');
  const deadline = setTimeout(() => process.exit(3), 10_000);
  appendFileSync(root + '/a/memory.events', 'max 1\\n');
`;

interface Answer {
  readonly signal: { readonly kind: string; readonly cgroup: string };
  readonly capabilities: readonly { readonly name: string; readonly available: boolean; readonly cause: string }[];
}

let program: BundledProgram;

beforeAll(async () => {
  program = await bundledProgram(PROGRAM);
  const tree = join(program.folder, 'tree/a');
  spawnSync('mkdir', ['-p', tree]);
  writeFileSync(join(program.folder, 'tree/cgroup.controllers'), 'cpu memory pids\n');
  writeFileSync(join(tree, 'memory.events'), 'max 0\n');
  spawnSync('chmod', ['-R', 'a+rwX', program.folder]);
});

afterAll(() => program.remove());

function run(wrapper: readonly string[], addon = join(REPOSITORY, 'build/Release/headroom.node')): Answer {
  const command = [process.execPath, program.path, join(program.folder, 'tree'), `file://${addon}`];
  const [file = '', ...args] = [...wrapper, ...command];
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  if (error) throw error;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Answer;
}

function causes({ capabilities }: Answer, prefix: string): readonly string[] {
  return capabilities.filter(({ name, available }) => name.startsWith(prefix) && !available).map(({ cause }) => cause);
}

describe('the signal sources work', () => {
  it('where all is there, as far as this kernel allows', () => {
    const answer = run([]);
    expect(answer.signal).toMatchObject({ kind: 'memory-events', cgroup: 'a' });
    const available = answer.capabilities.filter((each) => each.available).map(({ name }) => name);
    expect(available).toEqual(expect.arrayContaining(['memory_events', 'ebpf_oom_victim', 'ebpf_run_queue']));
  });

  it('without capabilities, and name the ones that eBPF needs', () => {
    const answer = run(NO_RIGHTS);
    expect(answer.signal).toMatchObject({ kind: 'memory-events', cgroup: 'a' });
    expect(causes(answer, 'ebpf_')).toHaveLength(7);
    for (const cause of causes(answer, 'ebpf_')) expect(cause).toMatch(/^the process lacks CAP_BPF and CAP_PERFMON/);
  });

  it('without BTF, and say so', () => {
    const answer = run(HIDE_BTF);
    expect(answer.signal).toMatchObject({ kind: 'memory-events', cgroup: 'a' });
    expect(causes(answer, 'ebpf_')).toHaveLength(7);
    for (const cause of causes(answer, 'ebpf_')) expect(cause).toMatch(/^this kernel has no BTF/);
  });

  it('without the addon, and say how to build it', () => {
    const answer = run([], '/nowhere/headroom.node');
    expect(answer.signal).toMatchObject({ kind: 'memory-events', cgroup: 'a' });
    expect(causes(answer, 'psi_triggers')).toEqual([expect.stringMatching(/not built: npm run build:native/)]);
    expect(causes(answer, 'ebpf_')).toHaveLength(7);
  });
});

describe('the agent works', () => {
  /** The built agent on the test's tree until it is ready and has read a container. @returns its /metrics, without the help lines */
  async function metricsOf(wrapper: readonly string[]): Promise<string> {
    const main = join(REPOSITORY, 'dist/agent/main.js');
    const flags = [
      `--cgroup-root=${join(program.folder, 'pods')}`,
      '--listen=127.0.0.1:0',
      '--debug-listen=127.0.0.1:0',
    ];
    const [command = '', ...args] = [...wrapper, process.execPath, main, '--node-name=without', ...flags];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
    try {
      const port = await until('its port', WAIT_MS, () => {
        if (child.exitCode !== null) throw new Error(`the agent ended: ${text}`);
        return /"health":(\d+)/.exec(text)?.[1];
      });
      const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
      await until('readiness', WAIT_MS, async () => ((await get('/readyz')).status === 200 ? true : undefined));
      const { rows } = (await (await get('/containers')).json()) as {
        rows: { kind: string; memoryCurrentBytes: number }[];
      };
      expect(rows.find(({ kind }) => kind === 'container')?.memoryCurrentBytes).toBe(4096);
      return (await (await get('/metrics')).text()).replaceAll(/^#.*\n/gm, '');
    } finally {
      child.kill('SIGTERM');
      await until('its end', WAIT_MS, () => child.exitCode ?? child.signalCode ?? undefined);
      expect(child.exitCode).toBe(0);
    }
  }

  beforeAll(() => {
    const container = join(
      program.folder,
      'pods/kubepods/burstable/pod5a7e9c1d-0b1f-4a44-9d1e-000000000001',
      'a'.repeat(64),
    );
    mkdirSync(container, { recursive: true });
    writeFileSync(join(program.folder, 'pods/cgroup.controllers'), 'cpu memory pids\n');
    const files = {
      'memory.current': '4096\n',
      'memory.max': 'max\n',
      'memory.events': 'max 0\n',
      'cpu.stat': 'usage_usec 5\n',
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(container, name), content);
    spawnSync('chmod', ['-R', 'a+rX', program.folder]);
  });

  it.each([
    ['where all is there', [], /^headroom_agent_capability\{name="ebpf_oom_victim",cause=""\} 1$/m],
    [
      'without capabilities',
      NO_RIGHTS,
      /name="ebpf_oom_victim",cause="the process lacks CAP_BPF and CAP_PERFMON.*\} 0$/m,
    ],
    ['without BTF', HIDE_BTF, /name="ebpf_oom_victim",cause="this kernel has no BTF.*\} 0$/m],
    ['without the addon', HIDE_ADDON, /name="ebpf_oom_victim",cause="the native addon was not built.*\} 0$/m],
  ])('%s: it reads containers, says what is missing on /metrics, and ends cleanly', async (_, wrapper, told) => {
    expect(await metricsOf(wrapper)).toMatch(told);
  });
});
