// Real cgroups for a bench: pods of two containers, each container with a sleeping process, in every hierarchy that is mounted.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hierarchy } from '../../agent/cgroup/hierarchy.ts';

const CONTROLLERS = ['core', 'cpu', 'cpuacct', 'memory', 'pids', 'io'] as const;
const V1_NAMES = { cpu: 'cpu', cpuacct: 'cpuacct', memory: 'memory', pids: 'pids', io: 'blkio' } as const;
const REMOVE_TRIES = 50;

export interface BenchCgroups {
  readonly containers: number;
  /** Rows that an agent makes of them: slices, pods, containers. */
  readonly rows: number;
  /** A cgroup root in which nothing but these exists, so that no other work on the machine is counted. */
  readonly root: string;
  remove(): Promise<void>;
}

/** Needs the right to make cgroups (root). Removes what it made when it fails half way. */
export async function makeBenchCgroups(hierarchy: Hierarchy, pods: number): Promise<BenchCgroups> {
  const base = `headroom-bench-${process.pid}`;
  const burstable = `${base}/kubepods/burstable`;
  const paths = [base, `${base}/kubepods`, burstable];
  const leaves: string[] = [];
  for (let pod = 0; pod < pods; pod++) {
    const path = `${burstable}/pod${randomUUID()}`;
    const two = [0, 1].map(() => `${path}/${randomBytes(32).toString('hex')}`);
    leaves.push(...two);
    paths.push(path, ...two);
  }
  const roots = [...new Set(CONTROLLERS.map((controller) => hierarchy.path(controller, '')))];
  const sleepers: ChildProcess[] = [];
  const root = mkdtempSync(join(tmpdir(), 'headroom-bench-root-'));
  const remove = async (): Promise<void> => {
    rmSync(root, { recursive: true, force: true });
    for (const sleeper of sleepers) sleeper.kill('SIGKILL');
    for (const path of paths.toReversed()) for (const root of roots) await removeCgroup(join(root, path));
  };
  try {
    for (const path of paths) for (const root of roots) mkdirSync(join(root, path));
    for (const leaf of leaves) {
      const sleeper = spawn('sleep', ['600'], { stdio: 'ignore' });
      sleepers.push(sleeper);
      for (const root of roots) writeFileSync(join(root, leaf, 'cgroup.procs'), String(sleeper.pid));
    }
  } catch (err) {
    await remove();
    throw err;
  }
  linkRoot(hierarchy, base, root);
  const alone = hierarchy.kind === 'hybrid' ? root : hierarchy.path('core', base);
  return { containers: leaves.length, rows: paths.length - 1, root: alone, remove };
}

/** The mounts' names, as a hybrid machine has them, each leading to the bench's own part. */
function linkRoot(hierarchy: Hierarchy, base: string, root: string): void {
  symlinkSync(hierarchy.path('core', base), join(root, 'unified'));
  for (const [controller, name] of Object.entries(V1_NAMES)) {
    const v1 = controller as keyof typeof V1_NAMES;
    if (hierarchy.isV1(v1)) symlinkSync(hierarchy.path(v1, base), join(root, name));
  }
}

/** A cgroup is busy until its last process is reaped. */
async function removeCgroup(directory: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      rmdirSync(directory);
      return;
    } catch (err) {
      const { code } = err as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || attempt >= REMOVE_TRIES) throw err;
      await sleep(20);
    }
  }
}
