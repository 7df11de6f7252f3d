// One cgroup's files, read into a reused Sample on a cadence that the sampler chooses. 14 descriptors on cgroup v2, 16 on hybrid.
// A file that can't be read costs its own fields only; the cgroup's end is told apart from a file's.
import { statSync } from 'node:fs';
import type { CgroupFileLayout } from './cgroup-layout.ts';
import type { Hierarchy } from './hierarchy.ts';
import { HYBRID_FILES } from './hybrid-files.ts';
import { KeptFiles } from './kept-files.ts';
import type { ReadOutcome } from './reading.ts';
import type { Sample } from './sample.ts';
import { UNIFIED_FILES } from './unified-files.ts';

export type { ReadOutcome } from './reading.ts';

/** Absent files are tried again after so many slow readings: a controller may be enabled later ... */
const RETRY_EVERY = 60;
/** ... and in the first few: on hybrid a new cgroup's v1 directories are made one after the other. */
const RETRY_FIRST = 3;

export class CgroupFiles {
  readonly #layout: CgroupFileLayout;
  readonly #files: KeptFiles;
  readonly #hierarchy: Hierarchy;
  readonly #cgroup: string;
  /** Whose directory stands for the cgroup: cgroup2's, but on hybrid it may exist in the v1 hierarchies only. */
  readonly #home: 'core' | 'memory';
  readonly #inode: number | undefined;
  #slowReadings = 0;
  #lastCpuUsageUs = 0;
  #eventsRead = false;
  #gone = false;

  /** Opens nothing yet: each file is opened when it is first read. @param cgroup path below the mount */
  constructor(hierarchy: Hierarchy, cgroup: string) {
    const layout = hierarchy.kind === 'hybrid' ? HYBRID_FILES : UNIFIED_FILES;
    this.#layout = layout;
    this.#files = new KeptFiles(layout.places.length, (file) => {
      const [controller, name] = layout.places[file]!;
      return `${hierarchy.path(controller, cgroup)}/${name}`;
    });
    this.#hierarchy = hierarchy;
    this.#cgroup = cgroup;
    this.#home = inodeOf(hierarchy.path('core', cgroup)) === undefined ? 'memory' : 'core';
    this.#inode = this.#inodeNow();
  }

  /** Refused files, malformed lines and decreasing counters since the start. */
  get problems(): number {
    return this.#files.problems;
  }

  /**
   * cpu.stat and memory.current; memory.events and its v1 counterparts when either moved since the last reading into `sample`.
   * Nothing is charged, throttled by memory.high or killed without a task of the cgroup running (the victim itself exits on its
   * own CPU time), so what is left out has not moved either. v1's throttling can
   * move while every task waits for its period's end: it is left out only where no quota throttles.
   * @param atBootMs instant of the reading, CLOCK_BOOTTIME
   */
  readFast(sample: Sample, atBootMs: number): ReadOutcome {
    const files = this.#files;
    const before = files.problems;
    const { cpuUsageUs, memoryCurrentBytes } = sample;
    const { bits } = this.#layout;
    const throttles = sample.cpuQuotaUs !== Infinity;
    sample.atBootMs = atBootMs;
    files.readAhead(throttles ? bits.usage | bits.throttling : bits.usage);
    this.#layout.readUsage(files, sample);
    if (throttles) this.#layout.readThrottling(files, sample);
    this.#eventsRead = sample.cpuUsageUs !== cpuUsageUs || sample.memoryCurrentBytes !== memoryCurrentBytes;
    this.#refuseDecrease(sample);
    if (this.#eventsRead) {
      files.readAhead(bits.events);
      this.#layout.readEvents(files, sample);
    }
    return this.#outcome(before);
  }

  /** cpu.pressure, memory.pressure, io.pressure. */
  readPressure(sample: Sample): ReadOutcome {
    const before = this.#files.problems;
    this.#files.readAhead(this.#layout.bits.pressure);
    this.#layout.readPressure(this.#files, sample);
    return this.#outcome(before);
  }

  /**
   * What moves while nothing in the cgroup runs: limits (set from outside), io.stat, pids.current, memory.stat (pages change their
   * lists by others' reading and reclaim) and pressure. Neither memory.events nor memory.peak nor memory.swap.current does without
   * CPU time or memory.current moving.
   * @param calm no task of the whole machine stalled for memory or I/O since both pressure files were read: they can't have moved
   */
  readStill(sample: Sample, calm = false): ReadOutcome {
    const files = this.#files;
    const before = files.problems;
    const { bits } = this.#layout;
    files.readAhead((calm ? bits.cpuPressure : bits.pressure) | bits.memoryStat | bits.outside | bits.limits);
    if (calm) this.#layout.readCpuPressure(files, sample);
    else this.#layout.readPressure(files, sample);
    this.#readSlowMoving(sample);
    return this.#outcome(before);
  }

  /** memory.stat, io.stat, pids.current, memory.swap.current, memory.peak, the limits, and what `readFast` just left out. */
  readSlow(sample: Sample): ReadOutcome {
    const files = this.#files;
    const before = files.problems;
    const readings = ++this.#slowReadings;
    if (readings <= RETRY_FIRST || readings % RETRY_EVERY === 0) files.retry();
    const { bits } = this.#layout;
    const throttling = sample.cpuQuotaUs === Infinity ? bits.throttling : 0;
    const events = this.#eventsRead ? 0 : bits.events;
    files.readAhead(bits.memoryStat | bits.outside | bits.rest | bits.limits | throttling | events);
    if (!this.#eventsRead) this.#layout.readEvents(files, sample);
    if (sample.cpuQuotaUs === Infinity) this.#layout.readThrottling(files, sample);
    this.#layout.readRest(files, sample);
    this.#readSlowMoving(sample);
    return this.#outcome(before);
  }

  /** memory.max, memory.high and cpu.max. */
  readLimits(sample: Sample): ReadOutcome {
    const before = this.#files.problems;
    this.#files.readAhead(this.#layout.bits.limits);
    this.#layout.readLimits(this.#files, sample);
    return this.#outcome(before);
  }

  readMemoryStat(sample: Sample): ReadOutcome {
    const before = this.#files.problems;
    this.#files.readAhead(this.#layout.bits.memoryStat);
    this.#layout.readMemoryStat(this.#files, sample);
    return this.#outcome(before);
  }

  close(): void {
    this.#files.close();
  }

  #readSlowMoving(sample: Sample): void {
    this.#layout.readMemoryStat(this.#files, sample);
    this.#layout.readOutside(this.#files, sample);
    this.#layout.readLimits(this.#files, sample);
  }

  /** CPU time never goes back: a reading below the one before is not believed, the next one is measured against it. */
  #refuseDecrease(sample: Sample): void {
    const usageUs = sample.cpuUsageUs;
    if (Number.isNaN(usageUs)) return;
    if (usageUs < this.#lastCpuUsageUs) {
      this.#files.problems++;
      sample.cpuUsageUs = NaN;
    }
    this.#lastCpuUsageUs = usageUs;
  }

  #outcome(problemsBefore: number): ReadOutcome {
    if (this.#files.vanished) {
      this.#files.vanished = false;
      // a cgroup made anew under the same path is another one
      this.#gone ||= this.#inode === undefined || this.#inodeNow() !== this.#inode;
    }
    if (this.#gone) return 'gone';
    return this.#files.problems > problemsBefore ? 'partial' : 'ok';
  }

  #inodeNow(): number | undefined {
    return inodeOf(this.#hierarchy.path(this.#home, this.#cgroup));
  }
}

function inodeOf(directory: string): number | undefined {
  try {
    return statSync(directory, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined;
  }
}
