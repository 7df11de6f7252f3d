// Cgroups of a test's own, named as a kubelet names a pod's, in every hierarchy that the agent reads.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Controller, Hierarchy } from '../../agent/cgroup/hierarchy.ts';

const CONTROLLERS: readonly Controller[] = ['core', 'cpu', 'cpuacct', 'memory', 'pids'];
const WANTED = ['cpu', 'memory', 'pids'];

export interface OwnCgroups {
  /** First part of every path. */
  readonly folder: string;
  /** @param path below the folder @returns the whole path below the mount */
  make(path: string): string;
  enter(cgroup: string, pid: number): void;
  /** Once no process is left in them. */
  remove(): Promise<void>;
}

/** @throws where no cgroups can be made: the cause says why */
export function ownCgroups(hierarchy: Hierarchy, folder: string): OwnCgroups {
  const made: string[] = [];
  const directories = (path: string): readonly string[] => [
    ...new Set(CONTROLLERS.map((controller) => hierarchy.path(controller, path))),
  ];
  const makeLevel = (path: string, leaf: boolean): void => {
    if (made.includes(path)) return;
    for (const directory of directories(path)) {
      if (!existsSync(directory)) mkdirSync(directory);
      if (!leaf) passOn(directory);
    }
    made.push(path);
  };
  makeLevel(folder, false);
  return {
    folder,
    make(path) {
      const parts = [folder, ...path.split('/')];
      for (let depth = 2; depth <= parts.length; depth++)
        makeLevel(parts.slice(0, depth).join('/'), depth === parts.length);
      return parts.join('/');
    },
    enter(cgroup, pid) {
      for (const directory of directories(cgroup)) writeFileSync(`${directory}/cgroup.procs`, String(pid));
    },
    async remove() {
      for (const path of made.toReversed()) for (const directory of directories(path)) await removeSoon(directory);
    },
  };
}

function passOn(directory: string): void {
  const control = `${directory}/cgroup.subtree_control`;
  if (!existsSync(control)) return;
  const offered = readFileSync(`${directory}/cgroup.controllers`, 'latin1').trim().split(/\s+/);
  const wanted = WANTED.filter((name) => offered.includes(name)).map((name) => `+${name}`);
  if (wanted.length > 0) writeFileSync(control, wanted.join(' '));
}

/** A cgroup is busy until the last of its killed processes is reaped. */
async function removeSoon(directory: string): Promise<void> {
  for (let attempt = 0; existsSync(directory); attempt++) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if (attempt >= 100) throw error;
      await sleep(20);
    }
  }
}
