// Real cgroups for a bench: pods of two containers, each container with a sleeping process, in every hierarchy that is mounted.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hierarchy } from '../../agent/cgroup/hierarchy.ts';

const CONTROLLERS = ['core', 'cpu', 'cpuacct', 'memory', 'pids', 'io'] as const;
const REMOVE_TRIES = 50;

export interface BenchCgroups {
  readonly containers: number;
  /** Every cgroup made, parents first, below the mount. */
  readonly paths: readonly string[];
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
  const remove = async (): Promise<void> => {
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
  return { containers: leaves.length, paths, remove };
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
