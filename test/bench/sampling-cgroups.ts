// Cgroups of the bench's own, in every hierarchy that the agent reads, and the list of their files for the C program.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Controller, Hierarchy } from '../../agent/cgroup/hierarchy.ts';

/** The parser in sampling_floor.c, the controller and the file; what CgroupFiles reads in one full pass. */
type FileList = readonly (readonly [kind: string, controller: Controller, file: string])[];

const PRESSURE: FileList = [
  ['pressure', 'core', 'cpu.pressure'],
  ['pressure', 'core', 'memory.pressure'],
  ['pressure', 'core', 'io.pressure'],
];
const UNIFIED: FileList = [
  ['cpu.stat', 'core', 'cpu.stat'],
  ['value', 'core', 'memory.current'],
  ['memory.events', 'core', 'memory.events'],
  ...PRESSURE,
  ['memory.stat', 'core', 'memory.stat'],
  ['io.stat', 'core', 'io.stat'],
  ['value', 'core', 'pids.current'],
  ['value', 'core', 'memory.swap.current'],
  ['value', 'core', 'memory.peak'],
  ['value', 'core', 'memory.high'],
  ['value', 'core', 'memory.max'],
  ['pair', 'core', 'cpu.max'],
];
const HYBRID: FileList = [
  ['cpu.stat', 'core', 'cpu.stat'],
  ['v1-cpu.stat', 'cpu', 'cpu.stat'],
  ['value', 'memory', 'memory.usage_in_bytes'],
  ['v1-oom_control', 'memory', 'memory.oom_control'],
  ['value', 'memory', 'memory.failcnt'],
  ...PRESSURE,
  ['v1-memory.stat', 'memory', 'memory.stat'],
  ['v1-blkio', 'io', 'blkio.throttle.io_service_bytes_recursive'],
  ['value', 'pids', 'pids.current'],
  ['value', 'memory', 'memory.max_usage_in_bytes'],
  ['value', 'memory', 'memory.limit_in_bytes'],
  ['value', 'cpu', 'cpu.cfs_quota_us'],
  ['value', 'cpu', 'cpu.cfs_period_us'],
];
const CONTROLLERS: readonly Controller[] = ['core', 'cpu', 'cpuacct', 'memory', 'pids', 'io'];

export interface BenchCgroups {
  readonly paths: readonly string[];
  /** Lines for sampling_floor.c: a process to join each cgroup, then its files. */
  readonly lines: readonly string[];
  remove(): Promise<void>;
}

/** @throws Error that says what is needed when cgroups can't be made here */
export function makeCgroups(hierarchy: Hierarchy, count: number): BenchCgroups {
  const parent = `headroom-bench-${process.pid}`;
  const paths = Array.from({ length: count }, (_, index) => `${parent}/container-${index}`);
  const directoriesOf = (path: string): readonly string[] => [
    ...new Set(CONTROLLERS.map((controller) => hierarchy.path(controller, path))),
  ];
  const restore = enableControllers(hierarchy);
  const remove = async (): Promise<void> => {
    for (const path of [...paths, parent]) for (const directory of directoriesOf(path)) await removeSoon(directory);
    restore();
  };
  try {
    for (const directory of directoriesOf(parent)) mkdirSync(directory);
    for (const wanted of missingControllers(hierarchy.path('core', parent))) {
      writeFileSync(`${hierarchy.path('core', parent)}/cgroup.subtree_control`, `+${wanted}`);
    }
    for (const path of paths) for (const directory of directoriesOf(path)) mkdirSync(directory, { recursive: true });
  } catch (cause) {
    void remove();
    throw new Error(`the sampling bench makes cgroups of its own: run it as root with ${hierarchy.root} writable`, {
      cause,
    });
  }
  const files = hierarchy.kind === 'hybrid' ? HYBRID : UNIFIED;
  const lines = paths.flatMap((path) => [
    `join ${directoriesOf(path).join(' ')}`,
    ...files.map(([kind, controller, file]) => `${kind} ${hierarchy.path(controller, path)}/${file}`),
  ]);
  return { paths, lines, remove };
}

/** On cgroup2 the root must hand its controllers down; what was not handed down before is taken back at the end. */
function enableControllers(hierarchy: Hierarchy): () => void {
  const file = `${hierarchy.root}/cgroup.subtree_control`;
  const added: string[] = [];
  for (const controller of missingControllers(hierarchy.root)) {
    try {
      writeFileSync(file, `+${controller}`);
      added.push(controller);
    } catch {
      // the files of this controller are left out of both sides: the figure says how many there are
    }
  }
  return () => {
    for (const controller of added) writeFileSync(file, `-${controller}`);
  };
}

function missingControllers(directory: string): readonly string[] {
  const words = (file: string): readonly string[] =>
    readFileSync(`${directory}/${file}`, 'latin1').trim().split(/\s+/).filter(Boolean);
  const enabled = words('cgroup.subtree_control');
  const wanted = ['cpu', 'memory', 'pids', 'io'];
  return words('cgroup.controllers').filter((name) => wanted.includes(name) && !enabled.includes(name));
}

/** A cgroup is busy until the last of its killed processes is gone. */
async function removeSoon(directory: string): Promise<void> {
  for (let attempt = 0; existsSync(directory) && attempt < 100; attempt++) {
    try {
      rmdirSync(directory);
    } catch {
      await sleep(20);
    }
  }
  if (existsSync(directory)) throw new Error(`${directory} is left behind: ${readdirSync(directory).length} entries`);
}
