// The tier runs in namespaces of its own (network, mounts, processes), entered by starting the same command again inside them: any
// address of the node and Service ranges is local there, and everything ends with the first process, however that ends.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHierarchy } from '../../agent/cgroup/hierarchy.ts';
import { createCgroupWriter } from '../../aggregator/standalone/kubelet/cgroup-writer.ts';
import { missingOf } from '../vm/prerequisites.ts';
import type { Tool } from '../vm/prerequisites.ts';

const FOLDER_PREFIX = 'headroom-e2e-';
/** Services and nodes; each pod has a network namespace of its own. */
const LOCAL_RANGES = ['10.96.0.0/16', '10.129.0.0/16'];
/** Top cgroups of one run: `headroom-<first + 0…>`. */
export const CGROUPS_A_RUN = 16;
const TOOLS: readonly Tool[] = [
  { tool: 'unshare', packageName: 'util-linux' },
  { tool: 'setpriv', packageName: 'util-linux' },
  { tool: 'nsenter', packageName: 'util-linux' },
  { tool: 'mount', packageName: 'mount' },
  { tool: 'chroot', packageName: 'coreutils' },
  { tool: 'ip', packageName: 'iproute2' },
];

export interface RunPlace {
  /** For everything that the run writes; removed at its end. */
  readonly folder: string;
  readonly firstCgroup: number;
}

/** Inside the namespaces. @throws Error outside */
export function runPlace(environment: NodeJS.ProcessEnv): RunPlace {
  const folder = environment['HEADROOM_E2E_RUN'];
  if (!folder) throw new Error('not inside the namespaces of the e2e tier: run `npm run test:e2e`');
  return { folder, firstCgroup: Number(environment['HEADROOM_E2E_CGROUP']) };
}

/** @returns true inside; outside it runs the same command inside, and never returns */
export async function insideNamespaces(): Promise<true> {
  if (process.env['HEADROOM_E2E_RUN']) return true;
  const missing = missingForNamespaces(process.env['PATH'] ?? '');
  if (missing !== undefined) throw new Error(missing);
  removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
  writeFileSync(join(folder, 'pid'), String(process.pid));
  const firstCgroup = cgroupNumber(process.pid);
  const code = await runInside(folder, firstCgroup);
  await removeCgroups(firstCgroup);
  if (process.env['HEADROOM_E2E_KEEP']) process.stderr.write(`e2e: kept ${folder}\n`);
  else await removeFolder(folder);
  process.exit(code);
}

export function missingForNamespaces(searchPath: string): string | undefined {
  if (process.getuid?.() !== 0) return 'the e2e tier makes network and mount namespaces: run it as root';
  return missingOf('the e2e tier', TOOLS, searchPath);
}

function runInside(folder: string, firstCgroup: number): Promise<number> {
  const network = ['ip link set lo up', ...LOCAL_RANGES.map((range) => `ip route add local ${range} dev lo`)];
  // setpriv: unshare dies with us; --kill-child: the first process inside dies with unshare, and all others with it.
  const enter = [
    '--pdeathsig',
    'KILL',
    'unshare',
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const command = [
    '/bin/sh',
    '-c',
    `${network.join(' && ')} && exec "$@"`,
    'sh',
    process.execPath,
    ...process.execArgv,
  ];
  const args = [...enter, '--propagation', 'private', ...command, ...process.argv.slice(1)];
  const child = spawn('setpriv', args, {
    stdio: 'inherit',
    env: { ...process.env, HEADROOM_E2E_RUN: folder, HEADROOM_E2E_CGROUP: String(firstCgroup) },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Vitest's own would exit before what was made is removed.
    process.removeAllListeners(signal);
    process.on(signal, () => child.kill('SIGKILL'));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 130 : 1)));
  });
}

/** Beside those of standalones, which count from 1. */
function cgroupNumber(pid: number): number {
  return 1_000_000 + pid * CGROUPS_A_RUN;
}

/** The last processes inside may still be writing: they die a moment after the first. */
async function removeFolder(folder: string): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet++) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    if (!existsSync(folder)) continue;
    quiet = 0;
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  }
}

/** Of a run whose outer process was killed. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(FOLDER_PREFIX))) {
    const folder = join(tmpdir(), name);
    try {
      const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
      if (existsSync(`/proc/${pid}`)) continue;
      rmSync(folder, { recursive: true, force: true });
      void removeCgroups(cgroupNumber(pid));
    } catch {
      // Just being made, or someone else's.
    }
  }
}

async function removeCgroups(first: number): Promise<void> {
  const hierarchy = openHierarchy('/sys/fs/cgroup');
  for (let number = first; number < first + CGROUPS_A_RUN; number++) {
    const writer = createCgroupWriter(hierarchy, `headroom-${number}`);
    // A killed process is gone from its cgroup a moment later.
    for (let tries = 0; writer.remove(writer.folder).kind === 'refused' && tries < 50; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
