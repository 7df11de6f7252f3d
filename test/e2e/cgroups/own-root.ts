// A cgroup root in which nothing but one node's cgroups exists, on the running kernel: on a hybrid machine a folder of links named
// as the mounts are, on a unified one the node's cgroup itself.
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Hierarchy } from '../../../agent/cgroup/hierarchy.ts';

const V1_NAMES = { cpu: 'cpu', cpuacct: 'cpuacct', memory: 'memory', pids: 'pids', io: 'blkio' } as const;

/** @param cgroup below the mounts, exists @param folder made where links are needed */
export function ownCgroupRoot(hierarchy: Hierarchy, cgroup: string, folder: string): string {
  if (hierarchy.kind === 'unified') return hierarchy.path('core', cgroup);
  mkdirSync(folder, { recursive: true });
  symlinkSync(hierarchy.path('core', cgroup), join(folder, 'unified'));
  for (const [controller, name] of Object.entries(V1_NAMES)) {
    const v1 = controller as keyof typeof V1_NAMES;
    if (hierarchy.isV1(v1)) symlinkSync(hierarchy.path(v1, cgroup), join(folder, name));
  }
  return folder;
}
