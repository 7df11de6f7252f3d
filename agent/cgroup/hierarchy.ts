// Where each controller's files are. Unified: everything below the cgroup2 mount. Hybrid (systemd's
// `systemd.unified_cgroup_hierarchy=0`): a tmpfs with cgroup2 at `unified` and one cgroup v1 mount a controller.
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../runtime/coded-error.ts';
import { probeCapabilities } from './capabilities.ts';
import type { Capability } from './capabilities.ts';

export type { Capability } from './capabilities.ts';

/** `core`: the cgroup2 tree itself (pressure, events, usage of the CPU). */
export type Controller = 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'io' | 'core';

export interface Hierarchy {
  /** The cgroup2 mount. */
  readonly root: string;
  readonly kind: 'unified' | 'hybrid';
  /** Directory that holds the controller's files of a cgroup. @param cgroup path below the mount, '' for the root */
  path(controller: Controller, cgroup: string): string;
  /** Whether the controller's files are cgroup v1's. */
  isV1(controller: Controller): boolean;
  /** What this machine does not offer, with the cause; the rest works. */
  readonly missing: readonly Capability[];
}

const CGROUP2_MAGIC = 0x63677270;
const V1_NAMES: Readonly<Record<Controller, string>> = {
  cpu: 'cpu',
  cpuacct: 'cpuacct',
  memory: 'memory',
  pids: 'pids',
  io: 'blkio',
  core: '',
};

/**
 * @param cgroupRoot /sys/fs/cgroup, or where the host's is mounted in a container; any tree with cgroup.controllers at its root will do
 * @param procRoot /proc, to tell why there is no pressure information
 * @throws CodedError no_cgroup2 that says what to do
 */
export function openHierarchy(cgroupRoot: string, procRoot = '/proc'): Hierarchy {
  const root = [cgroupRoot, join(cgroupRoot, 'unified')].find(isCgroup2);
  if (root === undefined) throw noCgroup2(cgroupRoot);
  const enabled = readControllers(root);
  const v1 = new Map<Controller, string>();
  if (root !== cgroupRoot) {
    for (const controller of ['cpu', 'cpuacct', 'memory', 'pids', 'io'] as const) {
      const directory = enabled.has(controller) ? undefined : v1Mount(cgroupRoot, V1_NAMES[controller]);
      if (directory !== undefined) v1.set(controller, directory);
    }
  }
  const available = new Set<string>([...enabled, ...v1.keys()]);
  return {
    root,
    kind: v1.size > 0 ? 'hybrid' : 'unified',
    path: (controller, cgroup) => {
      const base = v1.get(controller) ?? root;
      return cgroup === '' ? base : `${base}/${cgroup}`;
    },
    isV1: (controller) => v1.has(controller),
    missing: probeCapabilities(root, procRoot, available).filter((capability) => !capability.available),
  };
}

function isCgroup2(directory: string): boolean {
  try {
    return statfsSync(directory).type === CGROUP2_MAGIC || existsSync(join(directory, 'cgroup.controllers'));
  } catch {
    return false;
  }
}

function readControllers(root: string): Set<string> {
  try {
    return new Set(readFileSync(join(root, 'cgroup.controllers'), 'latin1').trim().split(/\s+/));
  } catch {
    return new Set();
  }
}

/** The mount of a v1 controller: a directory of its name, or of several joined by commas (`cpu,cpuacct`). */
function v1Mount(cgroupRoot: string, name: string): string | undefined {
  const found = readdirSync(cgroupRoot).find((entry) => entry.split(',').includes(name));
  const directory = found === undefined ? undefined : join(cgroupRoot, found);
  return directory !== undefined && existsSync(join(directory, 'cgroup.procs')) ? directory : undefined;
}

function noCgroup2(cgroupRoot: string): CodedError {
  if (!existsSync(cgroupRoot)) {
    return new CodedError(
      'no_cgroup2',
      `${cgroupRoot} does not exist: give --cgroup-root the place where cgroup2 is mounted (in a pod: a hostPath volume of /sys/fs/cgroup)`,
    );
  }
  return new CodedError(
    'no_cgroup2',
    `no cgroup2 mount at ${cgroupRoot} or ${join(cgroupRoot, 'unified')}: boot with systemd.unified_cgroup_hierarchy=1, mount one (mount -t cgroup2 none ${cgroupRoot}) or point --cgroup-root at it`,
  );
}
