// A node's cgroup v2 tree made of plain files whose counters move as a load says: what an agent reads of a node that does not exist.
// Formats: kernel doc cgroup-v2 (cpu.stat, memory.stat, *.pressure). Files keep their inode, as an agent keeps them open.
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupWriter, Knob } from '../../../aggregator/standalone/kubelet/cgroup-writer.ts';

export interface Load {
  readonly cpuCores: number;
  readonly memoryBytes: number;
}

export interface GeneratedCgroups extends CgroupWriter {
  readonly root: string;
  /** What runs in the cgroup from now on; asked at each move. */
  setLoad(cgroup: string, load: () => Load): void;
  /** Lets all counters move by the time that passed since the last call. */
  move(): void;
  close(): void;
}

const MIB = 1024 * 1024;
/** What the node itself uses beside its pods. */
const SYSTEM_LOAD: Load = { cpuCores: 0.05, memoryBytes: 200 * MIB };
const PERIOD_US = 100_000;
const NO_PRESSURE = ['some', 'full'].map((kind) => `${kind} avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`).join('');

interface Cgroup {
  readonly path: string;
  readonly cpuStat: number;
  readonly memoryCurrent: number;
  readonly memoryStat: number;
  load: (() => Load) | undefined;
  cpuUs: number;
  memoryBytes: number;
  writtenMemoryBytes: number;
}

/** @param folder made; holds the tree */
export function createGeneratedCgroups(folder: string): GeneratedCgroups {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
  const cgroups = new Map<string, Cgroup>();
  const make = (path: string): void => {
    if (cgroups.has(path)) return;
    const parent = parentOf(path);
    if (parent !== undefined) make(parent);
    cgroups.set(path, makeCgroup(folder, path));
  };
  make('');
  let lastMs = performance.now();
  const written = { kind: 'written' } as const;
  return {
    folder: 'node',
    root: folder,
    make: (path) => {
      make(path);
      return written;
    },
    write: (path, knob, amount) => {
      writeKnob(join(folder, path), knob, amount);
      return written;
    },
    // The processes of such a node are the harness's own business.
    enter: () => written,
    memoryUsageBytes: (path) => cgroups.get(path)?.memoryBytes,
    oomKills: () => 0,
    pids: () => [],
    remove: (path) => {
      for (const cgroup of cgroups.values()) {
        if (cgroup.path !== path && !cgroup.path.startsWith(`${path}/`)) continue;
        closeCgroup(cgroup);
        cgroups.delete(cgroup.path);
      }
      rmSync(join(folder, path), { recursive: true, force: true });
      return written;
    },
    setLoad: (path, load) => {
      const cgroup = cgroups.get(path);
      if (!cgroup) throw new Error(`${path} was not made`);
      cgroup.load = load;
    },
    move: () => {
      const nowMs = performance.now();
      moveAll(cgroups, (nowMs - lastMs) / 1000);
      lastMs = nowMs;
    },
    close: () => {
      for (const cgroup of cgroups.values()) closeCgroup(cgroup);
      cgroups.clear();
    },
  };
}

function parentOf(path: string): string | undefined {
  if (path === '') return undefined;
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

function makeCgroup(folder: string, path: string): Cgroup {
  const directory = join(folder, path);
  mkdirSync(directory, { recursive: true });
  const put = (file: string, text: string): void => writeFileSync(join(directory, file), text);
  for (const file of ['cpu.pressure', 'memory.pressure', 'io.pressure']) put(file, NO_PRESSURE);
  put('cgroup.procs', '');
  put('io.stat', '');
  if (path !== '') {
    // The root has none of these.
    put('memory.events', 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n');
    put('memory.max', 'max\n');
    put('memory.high', 'max\n');
    put('memory.peak', '0\n');
    put('memory.swap.current', '0\n');
    put('cpu.max', `max ${PERIOD_US}\n`);
    put('cpu.weight', '100\n');
    put('pids.current', '1\n');
    put('cgroup.events', 'populated 1\nfrozen 0\n');
  }
  const cgroup: Cgroup = {
    path,
    cpuStat: openSync(join(directory, 'cpu.stat'), 'w+'),
    memoryCurrent: openSync(join(directory, path === '' ? '.usage' : 'memory.current'), 'w+'),
    memoryStat: openSync(join(directory, 'memory.stat'), 'w+'),
    load: path === '' ? () => SYSTEM_LOAD : undefined,
    cpuUs: 0,
    memoryBytes: 0,
    writtenMemoryBytes: -1,
  };
  writeCounters(cgroup);
  return cgroup;
}

function closeCgroup({ cpuStat, memoryCurrent, memoryStat }: Cgroup): void {
  for (const fd of [cpuStat, memoryCurrent, memoryStat]) closeSync(fd);
}

/** What a cgroup uses, all above it use. */
function moveAll(cgroups: ReadonlyMap<string, Cgroup>, seconds: number): void {
  for (const cgroup of cgroups.values()) cgroup.memoryBytes = 0;
  for (const { path, load } of cgroups.values()) {
    if (!load) continue;
    const { cpuCores, memoryBytes } = load();
    for (let at: string | undefined = path; at !== undefined; at = parentOf(at)) {
      const cgroup = cgroups.get(at)!;
      cgroup.cpuUs += cpuCores * seconds * 1e6;
      cgroup.memoryBytes += memoryBytes;
    }
  }
  for (const cgroup of cgroups.values()) writeCounters(cgroup);
}

function writeCounters(cgroup: Cgroup): void {
  const usage = Math.round(cgroup.cpuUs);
  rewrite(
    cgroup.cpuStat,
    `usage_usec ${usage}\nuser_usec ${usage}\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n`,
  );
  const memory = Math.round(cgroup.memoryBytes);
  if (memory === cgroup.writtenMemoryBytes) return;
  cgroup.writtenMemoryBytes = memory;
  rewrite(cgroup.memoryCurrent, `${memory}\n`);
  rewrite(
    cgroup.memoryStat,
    `anon ${memory}\nfile 0\nshmem 0\ninactive_anon 0\nactive_anon ${memory}\ninactive_file 0\nactive_file 0\nunevictable 0\n`,
  );
}

function rewrite(fd: number, text: string): void {
  writeSync(fd, text, 0, 'latin1');
  ftruncateSync(fd, text.length);
}

function writeKnob(directory: string, knob: Knob, amount: number | undefined): void {
  const put = (file: string, text: string): void => writeFileSync(join(directory, file), `${text}\n`);
  switch (knob) {
    case 'memory.limit':
      return put('memory.max', amount === undefined ? 'max' : String(amount));
    case 'cpu.limit':
      return put('cpu.max', `${amount === undefined ? 'max' : (amount * PERIOD_US) / 1000} ${PERIOD_US}`);
    case 'cpu.request':
      return put('cpu.weight', String(Math.max(1, Math.round((amount ?? 0) / 10))));
  }
}
