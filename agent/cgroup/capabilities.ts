// What this kernel and these rights offer for reading cgroups. Said at start and on /metrics, each with a cause an operator can act on.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Capability {
  readonly name: string;
  readonly available: boolean;
  /** '' when available. */
  readonly cause: string;
  /** The part of the cause that others may share: one cure brings all of them back. Left out: all of it. */
  readonly shared?: string;
}

const LOST_WITHOUT: Readonly<Record<string, string>> = {
  memory: 'memory usage, limits and OOM kills',
  cpu: 'CPU limits and throttling',
  pids: 'process counts',
  io: 'bytes read and written',
};

/** @param controllers those with a mount, of either version */
export function probeCapabilities(
  root: string,
  procRoot: string,
  controllers: ReadonlySet<string>,
): readonly Capability[] {
  return [
    readable(root),
    ...Object.entries(LOST_WITHOUT).map(([name, lost]) => ({
      name,
      available: controllers.has(name),
      cause: controllers.has(name)
        ? ''
        : `the ${name} controller is neither in ${join(root, 'cgroup.controllers')} nor mounted as cgroup v1: no ${lost}`,
    })),
    pressure(root, procRoot),
    wholeMachine(root),
  ];
}

function readable(root: string): Capability {
  try {
    accessSync(root, constants.R_OK | constants.X_OK);
    return { name: 'read', available: true, cause: '' };
  } catch (err) {
    return { name: 'read', available: false, cause: `${root} can't be read: ${(err as Error).message}` };
  }
}

function pressure(root: string, procRoot: string): Capability {
  const own = join(root, 'cpu.pressure');
  const file = existsSync(own) ? own : join(procRoot, 'pressure/cpu');
  try {
    readFileSync(file);
    return { name: 'psi', available: true, cause: '' };
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException;
    const known: Readonly<Record<string, string>> = {
      ENOENT: 'needs a Linux kernel >= 4.20 with CONFIG_PSI',
      EOPNOTSUPP: 'pressure information is off: boot with psi=1',
      ENOTSUP: 'pressure information is off: boot with psi=1',
    };
    return { name: 'psi', available: false, cause: known[code ?? ''] ?? message };
  }
}

/** The true root cgroup has no cgroup.events: with one, the mount shows a part of the machine only. */
function wholeMachine(root: string): Capability {
  const partial = existsSync(join(root, 'cgroup.events'));
  return {
    name: 'whole_machine',
    available: !partial,
    cause: partial
      ? `${root} shows only a part of the machine (a private cgroup namespace): mount the host's /sys/fs/cgroup`
      : '',
  };
}
