// What reading and parsing every file of a container costs, beside a C program that does the same in the same run: with the addon, as
// the image has it, and without. The sides keep the files open and take turns, CPU time counts, the machine's noise hits all; medians
// of the rounds.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CgroupFiles } from '../../agent/cgroup/cgroup-files.ts';
import { readTogether } from '../../agent/cgroup/kept-files.ts';
import type { ReadFiles } from '../../agent/cgroup/kept-files.ts';
import { openHierarchy } from '../../agent/cgroup/hierarchy.ts';
import { emptySample } from '../../agent/cgroup/sample.ts';
import type { Sample } from '../../agent/cgroup/sample.ts';
import { openNative } from '../../native/index.ts';
import type { Figure } from './figure.ts';
import { median } from './median.ts';
import { makeCgroups } from './sampling-cgroups.ts';

const BENCH = 'sampling';
const CONTAINERS = 250;
const WARM_UP = 30;
const WARM_UP_ROUNDS = 4;
const ROUNDS = 15;
const PASSES = 8;
/** Issue 3: sampling one container costs at most so much more than the C program. */
const MOST_TIMES_FLOOR = 1.3;

/** 250 containers of its own, a sleeping process in each, the whole file set. @throws Error when not run as root */
export async function benchSampling(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'headroom-sampling-'));
  try {
    const program = join(directory, 'sampling_floor');
    execFileSync('cc', ['-O2', '-o', program, floorSource()]);
    const hierarchy = openHierarchy('/sys/fs/cgroup');
    const cgroups = makeCgroups(hierarchy, CONTAINERS);
    try {
      const floor = await startFloor(program, cgroups.lines);
      const containers = cgroups.paths.map((path) => new CgroupFiles(hierarchy, path));
      const costs = await measure(floor, containers);
      for (const container of containers) container.close();
      await floor.end();
      return figures(costs, floor.files / CONTAINERS);
    } finally {
      await cgroups.remove();
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Costs {
  /** Files of a reading together, by the addon; empty where it was not built. */
  readonly togetherUs: readonly number[];
  readonly oneByOneUs: readonly number[];
  readonly floorUs: readonly number[];
}

async function measure(floor: Floor, containers: readonly CgroupFiles[]): Promise<Costs> {
  const native = openNative(1);
  const sides = { togetherUs: native.kind === 'ready' ? native.value.readFiles : undefined, oneByOneUs: undefined };
  const samples = containers.map(emptySample);
  const costs = { togetherUs: [] as number[], oneByOneUs: [] as number[], floorUs: [] as number[] };
  const cost = (read: ReadFiles | undefined): number => {
    readTogether(read);
    const before = process.cpuUsage();
    readAll(containers, samples, PASSES);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / PASSES / containers.length;
  };
  await floor.passes(WARM_UP);
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const floorUs = (await floor.passes(PASSES)) / PASSES / containers.length;
    const togetherUs = sides.togetherUs && cost(sides.togetherUs);
    const oneByOneUs = cost(sides.oneByOneUs);
    if (round < 0) continue;
    costs.floorUs.push(floorUs);
    costs.oneByOneUs.push(oneByOneUs);
    if (togetherUs !== undefined) costs.togetherUs.push(togetherUs);
  }
  if (samples.some((sample) => !(sample.cpuUsageUs >= 0))) throw new Error('a container was not read');
  return costs;
}

function readAll(containers: readonly CgroupFiles[], samples: readonly Sample[], passes: number): void {
  for (let pass = 0; pass < passes; pass++) {
    for (const [index, container] of containers.entries()) {
      const sample = samples[index]!;
      container.readFast(sample, pass);
      container.readPressure(sample);
      container.readSlow(sample);
    }
  }
}

function figures(costs: Costs, files: number): Figure[] {
  const floor = median(costs.floorUs);
  const side = (how: string, spentUs: readonly number[]): Figure[] =>
    spentUs.length === 0
      ? []
      : [
          {
            bench: BENCH,
            figure: `one container, all ${files} files${how}`,
            value: round3(median(spentUs)),
            unit: 'us',
            bound: round3(floor * MOST_TIMES_FLOOR),
            floor: round3(floor),
          },
          {
            bench: BENCH,
            figure: `one container, all ${files} files${how}, times the C program`,
            value: round3(median(spentUs.map((us, round) => us / costs.floorUs[round]!))),
            unit: 'ratio',
            bound: MOST_TIMES_FLOOR,
            floor: 1,
          },
        ];
  return [...side('', costs.togetherUs), ...side(', without the addon', costs.oneByOneUs)];
}

interface Floor {
  /** Files that it opened. */
  readonly files: number;
  /** @returns CPU µs of so many passes over all files */
  passes(count: number): Promise<number>;
  end(): Promise<void>;
}

async function startFloor(program: string, lines: readonly string[]): Promise<Floor> {
  const child: ChildProcessWithoutNullStreams = spawn(program);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint += String(chunk)));
  const answer = async (): Promise<string> => {
    const next = await answers.next();
    if (next.done) throw new Error(`sampling_floor ended: ${complaint}`);
    return next.value;
  };
  child.stdin.write(`${lines.join('\n')}\n\n`);
  const files = Number(await answer());
  return {
    files,
    async passes(count) {
      child.stdin.write(`${count}\n`);
      return Number((await answer()).split(' ')[0]) / 1000;
    },
    async end() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Beside this file, or in the source tree when this one was compiled to dist/. */
function floorSource(): string {
  const candidates = ['./sampling_floor.c', '../../../test/bench/sampling_floor.c'];
  const found = candidates
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error('sampling_floor.c is not where the sources are');
  return found;
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
