// The whole of `npm start -- --demo`: launcher, agent and aggregator as processes, asked by the real kubectl, until the last
// cgroup is gone. Runs from source where Node strips types, else from dist/. Parts that need the right to make cgroups are
// left out without it, with the launcher's own reason printed.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuMillis, memoryBytes } from '../../aggregator/kube/quantity.ts';
import type { Pod } from '../../aggregator/standalone/api/objects.ts';
import type { LauncherProcess } from './launcher-process.ts';
import { runLauncher, runLauncherBy, startLauncher, stopLauncher } from './launcher-process.ts';
import type { Answer } from './standalone-cluster.ts';
import { until } from './standalone-cluster.ts';

const MIB = 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'headroom-launcher-'));
let launcher: LauncherProcess;

/** Every folder of a standalone's own, in each hierarchy. */
function ownCgroups(): readonly string[] {
  const roots = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((name) => join('/sys/fs/cgroup', name))];
  return roots.flatMap((root) => {
    try {
      return readdirSync(root)
        .filter((name) => /^headroom-\d{1,2}$/.test(name))
        .map((name) => join(root, name));
    } catch {
      return [];
    }
  });
}

/** Processes whose command line names the folder of this test's secrets, or a workload of a launcher from here. */
function processesOfThisTest(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
        return line.includes(folder) ? [`${pid} ${line}`] : [];
      } catch {
        return [];
      }
    });
}

let cgroupsBefore: readonly string[];

beforeAll(async () => {
  cgroupsBefore = ownCgroups();
  launcher = await startLauncher(folder, '--demo', '--node-name=n1');
  if (launcher.noRights !== undefined) console.warn(`reduced: no cgroups can be made here: ${launcher.noRights}`);
});

afterAll(() => {
  if (launcher?.child.exitCode === null) launcher.child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

const top = (...args: readonly string[]): Promise<Answer> => launcher.kubectl('top', ...args);

async function pod(name: string): Promise<Pod> {
  return JSON.parse((await launcher.kubectl('get', 'pod', name, '-n', 'demo', '-o', 'json')).stdout) as Pod;
}

describe('kubectl top', () => {
  it('shows the node within its capacity', async () => {
    const answer = await until('node metrics', async () => {
      const asked = await top('node');
      return asked.code === 0 ? asked : undefined;
    });
    expect(answer.stdout).toMatch(
      /^NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\) *\nn1 +\d+m +\d+% +\d+Mi +\d+% *\n$/,
    );
    expect((await top('node', 'n1')).stdout).toContain('n1');
  });

  it('shows the demo’s pods and headroom’s own, in every form', async (context) => {
    if (launcher.noRights !== undefined) return context.skip(launcher.noRights);
    const all = await until('all six pods', async () => {
      const asked = await top('pod', '-A');
      return ['steady', 'bursty', 'leak', 'file-reader', 'headroom-agent-n1', 'headroom-aggregator-0'].every((name) =>
        asked.stdout.includes(` ${name} `),
      )
        ? asked
        : undefined;
    });
    expect(all.stdout).toMatch(/^NAMESPACE +NAME +CPU\(cores\) +MEMORY\(bytes\) *\n/);
    expect((await top('pod', '-n', 'demo', '--containers')).stdout).toMatch(/\nleak +main +\d+m +\d+Mi/);
    expect((await top('pod', '-n', 'demo', '--sum')).stdout).toMatch(/\n +_+ +_+ *\n +\d+m +\d+Mi/);
    expect((await top('pod', '-n', 'demo', '-l', 'app=steady')).stdout).toMatch(/^NAME .*\nsteady +\d+m +\d+Mi *\n$/);
    expect((await top('pod', 'bursty', '-n', 'demo')).stdout).toMatch(/\nbursty +\d+m/);
    const sorted = (await top('pod', '-n', 'demo', '--sort-by=memory', '--no-headers')).stdout.trim().split('\n');
    const amounts = sorted.map((line) => Number(/(\d+)Mi/.exec(line)?.[1]));
    expect(amounts).toEqual(amounts.toSorted((a, b) => b - a));
  });

  it.each(['v1', 'v1beta1'])('reads metrics.k8s.io/%s raw, with both resources of every container', async (version) => {
    const nodes = await launcher.kubectl('get', '--raw', `/apis/metrics.k8s.io/${version}/nodes`);
    expect(JSON.parse(nodes.stdout)).toMatchObject({
      kind: 'NodeMetricsList',
      apiVersion: `metrics.k8s.io/${version}`,
    });
    const raw = await launcher.kubectl('get', '--raw', `/apis/metrics.k8s.io/${version}/pods`);
    const pods = JSON.parse(raw.stdout) as {
      kind: string;
      items: { containers: { usage: Record<string, string> }[] }[];
    };
    expect(pods.kind).toBe('PodMetricsList');
    for (const { usage } of pods.items.flatMap(({ containers }) => containers)) {
      expect([typeof cpuMillis(usage['cpu'] ?? ''), typeof memoryBytes(usage['memory'] ?? '')]).toEqual([
        'number',
        'number',
      ]);
    }
  });
});

describe('the demo', () => {
  it('has the leak resized in place before the kernel kills it', async (context) => {
    if (launcher.noRights !== undefined) return context.skip(launcher.noRights);
    const grown = await until(
      'a leak over its first limit',
      async () => {
        const found = await pod('leak');
        const limit = memoryBytes(found.status.containerStatuses?.[0]?.resources?.limits?.['memory'] ?? '0');
        const used = JSON.parse(
          (await launcher.kubectl('get', '--raw', '/apis/metrics.k8s.io/v1/namespaces/demo/pods/leak')).stdout,
        ) as { containers: { usage: Record<string, string> }[] };
        const memory = memoryBytes(used.containers[0]?.usage['memory'] ?? '0');
        return Number(limit) > 128 * MIB && Number(memory) > 200 * MIB ? found : undefined;
      },
      50_000,
    );
    expect(grown.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0, lastState: {} });
    const events = await launcher.kubectl(
      'get',
      'events',
      '-n',
      'demo',
      '--field-selector',
      'involvedObject.name=leak',
    );
    expect(events.stdout).toMatch(/ResizeCompleted/);
    expect(events.stdout).toMatch(/HeadroomResize/);
  });

  it('leaves the file reader alone, whose memory is page cache', async (context) => {
    if (launcher.noRights !== undefined) return context.skip(launcher.noRights);
    const reader = await pod('file-reader');
    expect(reader.metadata.generation).toBe(1);
    expect(reader.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 0,
      resources: { limits: { memory: '96Mi' } },
    });
    const { uid } = reader.metadata;
    const usage = ownCgroups().flatMap((own) => {
      const file = ['memory.usage_in_bytes', 'memory.current']
        .map((name) => join(own, 'kubepods/burstable', `pod${uid}`, name))
        .find(existsSync);
      return file === undefined ? [] : [Number(readFileSync(file, 'latin1'))];
    });
    // It was at its limit all the while: there was something to leave alone.
    expect(usage[0]).toBeGreaterThan(80 * MIB);
  });
});

describe('beside and after it', () => {
  it('lets a second one run on other ports, and the next start clean up after one that was killed', async () => {
    const second = await startLauncher(folder, '--node-name=n2');
    expect(second.kubeconfig).not.toBe(launcher.kubeconfig);
    expect((await second.kubectl('get', 'nodes', '-o', 'name')).stdout).toBe('node/n2\n');
    expect((await launcher.kubectl('get', 'nodes', '-o', 'name')).stdout).toBe('node/n1\n');
    await stopLauncher(second, 'SIGKILL');
    const third = await startLauncher(folder, '--node-name=n3', `--kubeconfig=${join(folder, 'third')}`);
    expect(third.output()).toContain('of a run that died');
    expect(processesOfThisTest().filter((line) => line.includes('--node-name=n2'))).toEqual([]);
    expect(await stopLauncher(third, 'SIGTERM')).toBe(0);
  });

  it('ends its processes and removes its files when something unforeseen ends it, such as a reader of its output that left', async () => {
    const { child, ended, output } = await startLauncher(folder, '--node-name=n4');
    child.stdout?.destroy();
    expect(await ended).toBe(1);
    expect(output()).toContain('EPIPE');
    expect(processesOfThisTest().filter((line) => line.includes('--node-name=n4'))).toEqual([]);
  });

  it.each([
    ['a cgroup root that is none', ['--cgroup-root=/proc/self'], /no cgroup2 mount at \/proc\/self/],
    [
      'a kubeconfig that can’t be written',
      ['--kubeconfig=/dev/null/kubeconfig'],
      /can't (read|write) .*\/dev\/null\/kubeconfig/,
    ],
    ['a flag that is none', ['--nonsense'], /--nonsense/],
  ])('ends with 2 and one line about %s', async (_what, args, text) => {
    const { output, ended } = runLauncher(folder, '--log-level=error', ...args);
    expect(await ended).toBe(2);
    expect(output()).toMatch(text);
    expect(output().trim().split('\n')).toHaveLength(1);
  });

  it('ends with 2 and one line when the disk for the kubeconfig is full, and leaves no half file', async () => {
    const full = join(folder, 'full');
    mkdirSync(full);
    // A disk of one page, in a mount namespace of this process alone; its listing is shown once the launcher has ended.
    const script = `mount -t tmpfs -o size=4096 none '${full}' && head -c 4096 /dev/zero > '${full}/filler' && { "$@"; code=$?; ls '${full}'; exit $code; }`;
    const rights = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const prefix = ['unshare', ...rights, '--mount', 'sh', '-c', script, 'sh'];
    const { output, ended } = runLauncherBy(prefix, folder, '--log-level=error', `--kubeconfig=${full}/kubeconfig`);
    expect(await ended).toBe(2);
    expect(output().trim().split('\n')).toEqual([
      expect.stringMatching(
        /^headroom: can't write the kubeconfig .*\/full\/kubeconfig: ENOSPC: no space left on device/,
      ),
      'filler',
    ]);
  });

  it('ends with 2 when the port that was asked for is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { output, ended } = runLauncher(
      folder,
      '--log-level=error',
      `--api-port=${(server.address() as AddressInfo).port}`,
    );
    expect(await ended).toBe(2);
    expect(output()).toMatch(/is in use: choose another port with --api-port/);
    server.close();
  });

  it('ends at a signal and leaves no process, no cgroup, no file', async () => {
    expect(await stopLauncher(launcher, 'SIGTERM')).toBe(0);
    expect(processesOfThisTest()).toEqual([]);
    expect(ownCgroups().filter((cgroup) => !cgroupsBefore.includes(cgroup))).toEqual([]);
    expect(existsSync(launcher.kubeconfig)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.startsWith('headroom-'))).toEqual([]);
  });
});
