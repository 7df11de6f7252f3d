// Cgroups as a kubelet makes them (cgroupfs driver), and the kernel's own counters read without any of the project's parsers.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const CGROUP_ROOT = '/sys/fs/cgroup';
const CONTROLLERS = '+cpu +memory +pids +io';

/** Makes kubepods/burstable/pod<uid>/<64 hex> with all controllers on every level. @returns the container's directory */
export function makeContainer(uid: string, containerId: string): string {
  let directory = CGROUP_ROOT;
  for (const level of ['kubepods', 'burstable', `pod${uid}`, containerId]) {
    directory = join(directory, level);
    if (!existsSync(directory)) mkdirSync(directory);
    if (level !== containerId) writeFileSync(join(directory, 'cgroup.subtree_control'), CONTROLLERS);
  }
  return directory;
}

/** The kernel's counts of one cgroup at one instant. */
export interface Counted {
  /** Unix time, ms: halfway between before and after the reading. */
  readonly atMs: number;
  readonly cpuUsageUs: number;
  /** memory.current − inactive_file, bytes. */
  readonly workingSetBytes: number;
}

export function count(directory: string): Counted {
  const before = Date.now();
  const cpuUsageUs = keyed(directory, 'cpu.stat', 'usage_usec');
  const current = Number(readFileSync(join(directory, 'memory.current'), 'latin1'));
  const inactive = keyed(directory, 'memory.stat', 'inactive_file');
  return { atMs: (before + Date.now()) / 2, cpuUsageUs, workingSetBytes: Math.max(0, current - inactive) };
}

/** @returns the number behind `key` of a flat-keyed file; NaN when the file has no such key */
export function keyed(directory: string, file: string, key: string): number {
  const line = readFileSync(join(directory, file), 'latin1')
    .split('\n')
    .find((each) => each.startsWith(`${key} `));
  return line === undefined ? NaN : Number(line.slice(key.length + 1));
}
