// One cgroup's files, read into a reused Sample on a cadence that the sampler chooses. 14 descriptors on cgroup v2, 16 on hybrid.
// A file that can't be read costs its own fields only; the cgroup's end is told apart from a file's.
import { statSync } from 'node:fs';
import type { Hierarchy } from './hierarchy.ts';
import { HybridFiles } from './hybrid-files.ts';
import type { ReadOutcome, Tally } from './reading.ts';
import type { Sample } from './sample.ts';
import { UnifiedFiles } from './unified-files.ts';
import type { CgroupReader } from './unified-files.ts';

export type { ReadOutcome } from './reading.ts';

/** Absent files are tried again after so many slow readings: a controller may be enabled later ... */
const RETRY_EVERY = 60;
/** ... and in the first few: on hybrid a new cgroup's v1 directories are made one after the other. */
const RETRY_FIRST = 3;

export class CgroupFiles {
  readonly #reader: CgroupReader;
  readonly #tally: Tally = { problems: 0, vanished: false };
  readonly #directory: string;
  readonly #inode: number | undefined;
  #slowReadings = 0;
  #lastCpuUsageUs = 0;
  #gone = false;

  /** Opens nothing yet: each file is opened when it is first read. @param cgroup path below the mount */
  constructor(hierarchy: Hierarchy, cgroup: string) {
    const core = hierarchy.path('core', cgroup);
    const inode = inodeOf(core);
    // on hybrid a cgroup may exist in the v1 hierarchies only
    this.#directory = inode === undefined ? hierarchy.path('memory', cgroup) : core;
    this.#inode = inode ?? inodeOf(this.#directory);
    this.#reader =
      hierarchy.kind === 'hybrid'
        ? new HybridFiles(hierarchy, cgroup, this.#tally)
        : new UnifiedFiles(hierarchy, cgroup, this.#tally);
  }

  /** Refused files, malformed lines and decreasing counters since the start. */
  get problems(): number {
    return this.#tally.problems;
  }

  /** cpu.stat, memory.current, memory.events. @param atBootMs instant of the reading, CLOCK_BOOTTIME */
  readFast(sample: Sample, atBootMs: number): ReadOutcome {
    const before = this.#tally.problems;
    sample.atBootMs = atBootMs;
    this.#reader.readFast(sample);
    this.#refuseDecrease(sample);
    return this.#outcome(before);
  }

  /** cpu.pressure, memory.pressure, io.pressure. */
  readPressure(sample: Sample): ReadOutcome {
    const before = this.#tally.problems;
    this.#reader.readPressure(sample);
    return this.#outcome(before);
  }

  /** memory.stat, io.stat, pids.current, memory.swap.current, memory.peak, memory.high and the limits. */
  readSlow(sample: Sample): ReadOutcome {
    const before = this.#tally.problems;
    const readings = ++this.#slowReadings;
    if (readings <= RETRY_FIRST || readings % RETRY_EVERY === 0) for (const file of this.#reader.files) file.retry();
    this.#reader.readSlow(sample);
    return this.#outcome(before);
  }

  /** memory.max and cpu.max. */
  readLimits(sample: Sample): ReadOutcome {
    const before = this.#tally.problems;
    this.#reader.readLimits(sample);
    return this.#outcome(before);
  }

  readMemoryStat(sample: Sample): ReadOutcome {
    const before = this.#tally.problems;
    this.#reader.readMemoryStat(sample);
    return this.#outcome(before);
  }

  close(): void {
    for (const file of this.#reader.files) file.close();
  }

  /** CPU time never goes back: a reading below the one before is not believed, the next one is measured against it. */
  #refuseDecrease(sample: Sample): void {
    const usageUs = sample.cpuUsageUs;
    if (Number.isNaN(usageUs)) return;
    if (usageUs < this.#lastCpuUsageUs) {
      this.#tally.problems++;
      sample.cpuUsageUs = NaN;
    }
    this.#lastCpuUsageUs = usageUs;
  }

  #outcome(problemsBefore: number): ReadOutcome {
    if (this.#tally.vanished) {
      this.#tally.vanished = false;
      // a cgroup made anew under the same path is another one
      this.#gone ||= this.#inode === undefined || inodeOf(this.#directory) !== this.#inode;
    }
    if (this.#gone) return 'gone';
    return this.#tally.problems > problemsBefore ? 'partial' : 'ok';
  }
}

function inodeOf(directory: string): number | undefined {
  try {
    return statSync(directory, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined;
  }
}
