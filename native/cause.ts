// Why the kernel refuses a program or a trigger, said so that an operator can act on it: a cause and a cure.
import type { Refusal } from './addon.ts';
import { FIRST_KERNEL } from './hooks.ts';

/** What this process may and what this kernel is: read once, see process-rights.ts. */
export interface Rights {
  /** CapEff of /proc/self/status. */
  readonly capabilities: bigint;
  /** /sys/kernel/btf/vmlinux is there. */
  readonly btf: boolean;
  /** uname -r */
  readonly kernel: string;
}

export interface Missing {
  readonly kind: 'missing';
  readonly cause: string;
  readonly cure: string;
}

export type Attempt<T> = { readonly kind: 'ready'; readonly value: T } | Missing;

const CAPABILITIES = { CAP_SYS_ADMIN: 21n, CAP_SYS_RESOURCE: 24n, CAP_PERFMON: 38n, CAP_BPF: 39n } as const;

export function missing(cause: string, cure: string): Missing {
  return { kind: 'missing', cause, cure };
}

/** Why not even trying is worth it; undefined: try. */
export function whyNoBpf(rights: Rights): Missing | undefined {
  if (!rights.btf) {
    return missing(
      'this kernel has no BTF: there is no /sys/kernel/btf/vmlinux',
      'boot a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions build theirs, and let the container see /sys',
    );
  }
  if (olderThan(rights.kernel, FIRST_KERNEL)) {
    return missing(`Linux ${rights.kernel} is too old for these programs`, `boot Linux ${FIRST_KERNEL} or later`);
  }
  const lacking = (['CAP_BPF', 'CAP_PERFMON'] as const).filter((name) => !holds(rights, name));
  if (lacking.length === 0 || holds(rights, 'CAP_SYS_ADMIN')) return undefined;
  return missing(
    `the process lacks ${lacking.join(' and ')}`,
    'add BPF and PERFMON to the container’s securityContext.capabilities.add',
  );
}

/** Why one program was refused, though eBPF as such is there. */
export function bpfRefusal(refusal: Refusal): Missing {
  const tried = `could not ${refusal.step}`;
  switch (refusal.code) {
    case 'EPERM':
    case 'EACCES':
      return missing(
        `${tried}: refused (${refusal.code}) in spite of the capabilities, by a seccomp profile, kernel lockdown, another policy, or a kernel that has tracing of its functions off`,
        'where every program is refused allow bpf() in the seccomp profile and boot without lockdown=confidentiality, where some load boot a kernel that lets its functions be traced',
      );
    case 'ENOENT':
    case 'ESRCH':
    case 'EINVAL':
    case 'E2BIG':
      return missing(
        `${tried}: this kernel doesn't have what the program attaches to or reads (${refusal.code})${lastWords(refusal.log)}`,
        'report the kernel’s version: the hook may have another name there',
      );
    case 'EBADF':
      return missing(`${tried}: the directory is no cgroup of this kernel`, 'point --cgroup-root at a cgroup2 mount');
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      return missing(`${tried}: no room (${refusal.code})`, 'raise the limit of open files or of memory');
    default:
      return missing(`${tried}: ${refusal.message}${lastWords(refusal.log)}`, 'report it');
  }
}

export function pressureRefusal(refusal: Refusal, windowUs: number, rights: Rights): Missing {
  switch (refusal.code) {
    case 'EROFS':
      return missing('the cgroup mount is read-only', 'mount /sys/fs/cgroup of the host without readOnly');
    case 'EACCES':
    case 'EPERM':
      return missing('pressure files may only be written by root', 'run the container as uid 0');
    case 'ENOENT':
    case 'ENODEV':
      return missing('there is no such pressure file', 'none: the cgroup is gone, or the kernel has CONFIG_PSI off');
    case 'EOPNOTSUPP':
    case 'ENOTSUP':
      return missing('pressure information is off', 'boot with psi=1, or write 1 to the cgroup’s cgroup.pressure');
    case 'EINVAL':
      if (windowUs % 2_000_000 !== 0 && !holds(rights, 'CAP_SYS_RESOURCE')) {
        return missing(
          'without CAP_SYS_RESOURCE only windows of whole multiples of 2 s are allowed',
          'add SYS_RESOURCE to the container’s securityContext.capabilities.add',
        );
      }
      return missing(`this kernel takes no window of ${windowUs / 1000} ms`, 'windows under 500 ms need Linux 6.5');
    default:
      return missing(`could not ${refusal.step}: ${refusal.message}`, 'report it');
  }
}

export function isRefusal(err: unknown): err is Refusal {
  return err instanceof Error && typeof (err as Partial<Refusal>).step === 'string';
}

function holds(rights: Rights, name: keyof typeof CAPABILITIES): boolean {
  return ((rights.capabilities >> CAPABILITIES[name]) & 1n) === 1n;
}

function olderThan(kernel: string, first: string): boolean {
  const [major = NaN, minor = NaN] = kernel.split(/[.-]/).map(Number);
  const [firstMajor = 0, firstMinor = 0] = first.split('.').map(Number);
  return major < firstMajor || (major === firstMajor && minor < firstMinor);
}

/** CO-RE marks an access that has no counterpart in this kernel with a call of this number. */
const POISON = '195896080';
const MOST_WORDS = 160;

/** The verifier's last complaint; a log that only lists types has none. */
function lastWords(log: string): string {
  if (log.includes(POISON)) return ': a field or constant is missing';
  const complaint = log
    .trimEnd()
    .split('\n')
    .findLast((line) => line !== '' && !/^\s|^\[\d+\]|^processed \d+/.test(line));
  return complaint === undefined ? '' : `: ${complaint.slice(0, MOST_WORDS)}`;
}
