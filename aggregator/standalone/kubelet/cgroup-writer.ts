// The only writes of the standalone to the kernel: cgroups below a folder of its own, made, limited and removed.
// Unified: memory.max, cpu.max, cpu.weight; hybrid: memory.limit_in_bytes, cpu.cfs_quota_us, cpu.shares (kernel doc cgroup-v1, cgroup-v2).
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Controller, Hierarchy } from '../../../agent/cgroup/hierarchy.ts';

export type Written = { readonly kind: 'written' } | { readonly kind: 'refused'; readonly cause: string };

export type Knob = 'memory.limit' | 'cpu.limit' | 'cpu.request';

/** Paths are below the own folder; a write anywhere else is a bug and throws. */
export interface CgroupWriter {
  /** The own folder, first part of every path. */
  readonly folder: string;
  /** Makes the cgroup and its parents in every hierarchy, with the controllers on. */
  make(cgroup: string): Written;
  /** Sets a limit and reads it back. @param amount bytes or millicores, undefined: none */
  write(cgroup: string, knob: Knob, amount: number | undefined): Written;
  enter(cgroup: string, pid: number): Written;
  /** As the kernel counts it, page cache included; undefined where it can't be read. */
  memoryUsageBytes(cgroup: string): number | undefined;
  /** Processes killed by the kernel for want of memory since the cgroup was made. */
  oomKills(cgroup: string): number;
  /** Processes in the cgroup and below it. */
  pids(cgroup: string): readonly number[];
  /** Removes the cgroup and what is below it, where no process is left. */
  remove(cgroup: string): Written;
}

const USED: readonly Controller[] = ['core', 'memory', 'cpu', 'cpuacct', 'pids'];
const DELEGATED = ['memory', 'cpu', 'pids'] as const;
const PERIOD_US = 100_000;
/** The kernel's least: 1 ms of CPU a period, 2 shares. */
const MIN_QUOTA_US = 1000;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
/** A limit is kept in whole pages. */
const PAGE_BYTES = 4096;

export function createCgroupWriter(hierarchy: Hierarchy, folder: string): CgroupWriter {
  if (!/^headroom-\d+$/.test(folder)) throw new Error(`${folder} is no folder of the standalone's own`);
  const own = (controller: Controller, cgroup: string): string => {
    if (cgroup !== folder && !cgroup.startsWith(`${folder}/`)) throw new Error(`${cgroup} is not below ${folder}`);
    if (cgroup.split('/').includes('..')) throw new Error(`${cgroup} leaves ${folder}`);
    return hierarchy.path(controller, cgroup);
  };
  const directories = (cgroup: string): readonly string[] => [...new Set(USED.map((used) => own(used, cgroup)))];
  const read = (controller: Controller, cgroup: string, file: string): string | undefined => {
    try {
      return readFileSync(join(own(controller, cgroup), file), 'latin1');
    } catch {
      return undefined;
    }
  };
  return {
    folder,
    make: (cgroup) => {
      const parts = cgroup.split('/');
      const levels = parts.map((_part, depth) => directories(parts.slice(0, depth + 1).join('/')));
      return attempt(
        () => levels.forEach((level, depth) => makeOne(hierarchy, level, depth < levels.length - 1)),
        delegationHint(hierarchy),
      );
    },
    write: (cgroup, knob, amount) => {
      const controller = knob === 'memory.limit' ? 'memory' : 'cpu';
      const directory = own(controller, cgroup);
      return attempt(() => writeKnob(directory, hierarchy.isV1(controller), knob, amount), delegationHint(hierarchy));
    },
    enter: (cgroup, pid) => {
      const entered = directories(cgroup);
      return attempt(() => {
        for (const directory of entered) writeFileSync(join(directory, 'cgroup.procs'), String(pid));
      }, '');
    },
    memoryUsageBytes: (cgroup) => {
      const text = read('memory', cgroup, hierarchy.isV1('memory') ? 'memory.usage_in_bytes' : 'memory.current');
      return text === undefined ? undefined : Number(text);
    },
    oomKills: (cgroup) => {
      const text = read('memory', cgroup, hierarchy.isV1('memory') ? 'memory.oom_control' : 'memory.events') ?? '';
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
    },
    pids: (cgroup) => [...new Set(directories(cgroup).flatMap(pidsBelow))],
    remove: (cgroup) => {
      const removed = directories(cgroup);
      return attempt(() => removed.forEach(removeTree), '');
    },
  };
}

function attempt(act: () => void, hint: string): Written {
  try {
    act();
    return { kind: 'written' };
  } catch (error) {
    const { message } = error as NodeJS.ErrnoException;
    return { kind: 'refused', cause: hint === '' ? message : `${message} (${hint})` };
  }
}

/** @param passOn whether cgroups below it need the controllers: those that hold processes must not have them on (cgroup v2) */
function makeOne(hierarchy: Hierarchy, directories: readonly string[], passOn: boolean): void {
  for (const directory of directories) {
    if (!existsSync(directory)) mkdirSync(directory);
    // One write turns on all or none: a controller this machine lacks must not cost the others.
    if (!passOn || !existsSync(join(directory, 'cgroup.subtree_control'))) continue;
    const offered = readFileSync(join(directory, 'cgroup.controllers'), 'latin1').trim().split(/\s+/);
    const wanted = DELEGATED.filter((name) => offered.includes(name) && !hierarchy.isV1(name));
    if (wanted.length > 0)
      writeFileSync(join(directory, 'cgroup.subtree_control'), wanted.map((name) => `+${name}`).join(' '));
  }
}

/** What to run where the root keeps a controller to itself: nothing outside the own folder is ever written. */
function delegationHint(hierarchy: Hierarchy): string {
  const control = join(hierarchy.root, 'cgroup.subtree_control');
  let delegated: string[];
  try {
    delegated = readFileSync(control, 'latin1').trim().split(/\s+/);
  } catch {
    return '';
  }
  const lacking = DELEGATED.filter((name) => !hierarchy.isV1(name) && !delegated.includes(name));
  if (lacking.length === 0) return '';
  return `the root does not pass on ${lacking.join(', ')}: run \`echo "${lacking.map((name) => `+${name}`).join(' ')}" > ${control}\` as root`;
}

function writeKnob(directory: string, v1: boolean, knob: Knob, amount: number | undefined): void {
  switch (knob) {
    case 'memory.limit':
      return writeMemoryLimit(directory, v1, amount);
    case 'cpu.limit': {
      const quota = amount === undefined ? undefined : Math.max(MIN_QUOTA_US, Math.ceil((amount * PERIOD_US) / 1000));
      if (!v1) return checked(join(directory, 'cpu.max'), `${quota ?? 'max'} ${PERIOD_US}`);
      checked(join(directory, 'cpu.cfs_period_us'), String(PERIOD_US));
      return checked(join(directory, 'cpu.cfs_quota_us'), String(quota ?? -1));
    }
    case 'cpu.request': {
      const shares = Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor(((amount ?? 0) * 1024) / 1000)));
      if (v1) return checked(join(directory, 'cpu.shares'), String(shares));
      // The kubelet's linear map of shares to weights.
      return checked(join(directory, 'cpu.weight'), String(1 + Math.floor(((shares - 2) * 9999) / 262_142)));
    }
  }
}

function writeMemoryLimit(directory: string, v1: boolean, bytes: number | undefined): void {
  const file = join(directory, v1 ? 'memory.limit_in_bytes' : 'memory.max');
  const pages = bytes === undefined ? undefined : Math.floor(bytes / PAGE_BYTES) * PAGE_BYTES;
  // As a kubelet's NoSwap: what is over the limit is not moved out of sight.
  const swap = join(directory, 'memory.swap.max');
  if (pages !== undefined && existsSync(swap)) writeFileSync(swap, '0');
  writeFileSync(file, pages === undefined ? (v1 ? '-1' : 'max') : String(pages));
  if (pages === undefined) return;
  const now = Number(readFileSync(file, 'latin1'));
  if (now !== pages) throw new Error(`${file} was written ${pages} and reads ${now}`);
}

function checked(file: string, text: string): void {
  writeFileSync(file, text);
  const now = readFileSync(file, 'latin1').trim();
  if (now !== text) throw new Error(`${file} was written ${text} and reads ${now}`);
}

function pidsBelow(directory: string): readonly number[] {
  let own: number[];
  try {
    own = readFileSync(join(directory, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
  return [...own, ...childrenOf(directory).flatMap(pidsBelow)];
}

function removeTree(directory: string): void {
  if (!existsSync(directory)) return;
  for (const child of childrenOf(directory)) removeTree(child);
  try {
    rmdirSync(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new Error(`${directory} can't be removed: ${(cause as Error).message} (below ${dirname(directory)})`, {
      cause,
    });
  }
}

function childrenOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(directory, entry.name));
  } catch {
    return [];
  }
}
