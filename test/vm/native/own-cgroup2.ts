// Cgroups of a test's own in the cgroup2 tree of the running machine, and processes in them. Everything goes when the test does.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHierarchy } from '../../../agent/cgroup/hierarchy.ts';

export const HIERARCHY = openHierarchy('/sys/fs/cgroup');
const REMOVE_TRIES = 100;

export interface OwnCgroup {
  readonly path: string;
  readonly directory: string;
  readonly id: number;
}

export interface OwnCgroups {
  /** @param below a cgroup of ours that the new one lies in */
  make(name: string, below?: OwnCgroup): OwnCgroup;
  run(cgroup: OwnCgroup, command: string, ...args: readonly string[]): ChildProcess;
  clean(): Promise<void>;
}

export function ownCgroups(): OwnCgroups {
  const made: string[] = [];
  const children: ChildProcess[] = [];
  return {
    make(name, below) {
      const path = join(below?.path ?? '', `headroom-test-${process.pid}-${name}`);
      const directory = join(HIERARCHY.root, path);
      mkdirSync(directory);
      made.push(directory);
      return { path, directory, id: statSync(directory).ino };
    },
    run(cgroup, command, ...args) {
      const child = spawn(command, args, { stdio: 'ignore' });
      writeFileSync(join(cgroup.directory, 'cgroup.procs'), String(child.pid));
      children.push(child);
      return child;
    },
    async clean() {
      for (const child of children) child.kill('SIGKILL');
      for (const directory of made.toReversed()) await removeSoon(directory);
      made.length = children.length = 0;
    },
  };
}

/** A cgroup is busy until its last process is reaped. */
async function removeSoon(directory: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (attempt >= REMOVE_TRIES) throw error;
      await sleep(20);
    }
  }
}
