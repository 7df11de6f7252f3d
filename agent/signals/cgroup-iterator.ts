// The cgroup iterator as a cheap way to sample: one walk in the kernel reads what each cgroup's files would say, for a small part of their
// cost. Used by itself where it runs; its numbers are held against the files' now and then, and given up where they differ.
import type { IteratorSample } from '../../native/index.ts';
import type { Sample } from '../cgroup/sample.ts';
import { emptySample } from '../cgroup/sample.ts';
import type { Clock } from '../runtime/clock.ts';

export interface WalkedCgroups {
  readonly samples: boolean;
  walk(): void;
  sample(cgroupId: number, into: IteratorSample): boolean;
  giveUpSampling(cause: string): void;
}

/** Reads the same fields of one cgroup from its files. */
export type FilesReading = (sample: Sample, atBootMs: number) => 'ok' | 'partial' | 'gone';

/** A walk a second: a row, read once a second in a slot of its own, gets numbers of at most this age. */
const WALK_MS = 980;
/** From this share of its limit on a container is read from its files: there the age would cost what is left of the time. */
const NEAR_SHARE = 0.5;
/** Checked against the files at the first walks, then once a minute. */
const FIRST_CHECKS = 5;
const CHECK_EVERY_WALKS = 60;
/** One difference may be the files' own lateness. */
const MOST_DIFFERENCES = 3;
const MOST_FAILURES = 3;
/** Charges that the kernel holds back a CPU, and what a busy container moves between two looks. */
const MEMORY_TOLERANCE_BYTES = 4 * 1024 * 1024;

export class CgroupIterator {
  readonly #cgroups: WalkedCgroups;
  readonly #clock: Pick<Clock, 'bootTimeMs'>;
  readonly #walked = {} as IteratorSample;
  /** NaN: there is none to take numbers from. */
  #walkBootMs = NaN;
  #triedBootMs = -Infinity;
  #failures = 0;
  #walks = 0;
  #checked = -1;
  #differences = 0;

  constructor(cgroups: WalkedCgroups, clock: Pick<Clock, 'bootTimeMs'>) {
    this.#cgroups = cgroups;
    this.#clock = clock;
  }

  get walks(): number {
    return this.#walks;
  }

  /**
   * What the newest walk says, with the instant of that walk. @param files asked now and then, for comparison
   * @returns false when only the files know: no iterator, a cgroup that it does not find, or a reading newer than the walk
   */
  read(cgroupId: number, sample: Sample, atBootMs: number, files: FilesReading): boolean {
    if (!this.#cgroups.samples || sample.memoryCurrentBytes > sample.memoryLimitBytes * NEAR_SHARE) return false;
    if (atBootMs - this.#triedBootMs >= WALK_MS && !this.#walk(cgroupId, files)) return false;
    if (
      Number.isNaN(this.#walkBootMs) ||
      this.#walkBootMs <= sample.atBootMs ||
      !this.#cgroups.sample(cgroupId, this.#walked)
    )
      return false;
    if (this.#walked.cpuUsageUs < sample.cpuUsageUs || Number.isNaN(this.#walked.memoryCurrentBytes)) return false;
    take(sample, this.#walked);
    sample.atBootMs = this.#walkBootMs;
    return true;
  }

  /** @returns false when the iterator was given up */
  #walk(cgroupId: number, files: FilesReading): boolean {
    const check = this.#walks < FIRST_CHECKS || this.#walks % CHECK_EVERY_WALKS === 0;
    const before = check ? emptySample() : undefined;
    if (before) files(before, this.#clock.bootTimeMs());
    try {
      this.#cgroups.walk();
    } catch (err) {
      // Once may be for want of memory; the next try is as far away as the next walk would be.
      this.#walkBootMs = NaN;
      this.#triedBootMs = this.#clock.bootTimeMs();
      if (++this.#failures >= MOST_FAILURES) this.#cgroups.giveUpSampling(`its walk failed: ${(err as Error).message}`);
      return false;
    }
    this.#failures = 0;
    this.#walkBootMs = this.#triedBootMs = this.#clock.bootTimeMs();
    this.#walks++;
    if (!before) return true;
    const after = emptySample();
    files(after, this.#clock.bootTimeMs());
    return this.#agrees(cgroupId, before, after);
  }

  #agrees(cgroupId: number, before: Sample, after: Sample): boolean {
    if (!this.#cgroups.sample(cgroupId, this.#walked)) return true; // too new, or gone: nothing to compare
    this.#checked = cgroupId;
    const different = differences(before, this.#walked, after);
    if (different.length === 0) this.#differences = 0;
    else this.#differences++;
    if (this.#differences < MOST_DIFFERENCES) return true;
    this.#cgroups.giveUpSampling(`its numbers are not the files' (${different.join(', ')} of cgroup ${this.#checked})`);
    return false;
  }
}

/** Names of the fields that lie outside what the files said before and after the walk. NaN: a file that is not there says nothing. */
export function differences(before: Sample, walked: IteratorSample, after: Sample): readonly string[] {
  const within = (name: keyof Sample & keyof IteratorSample, tolerance = 0): boolean =>
    !(walked[name] < Math.min(before[name], after[name]) - tolerance) &&
    !(walked[name] > Math.max(before[name], after[name]) + tolerance);
  const counters = ['cpuUsageUs', 'periods', 'throttledPeriods', 'eventsHigh', 'eventsMax', 'eventsOom', 'eventsOomKill'] as const; // prettier-ignore
  return [
    ...counters.filter((name) => !within(name)),
    ...(within('memoryCurrentBytes', MEMORY_TOLERANCE_BYTES) ? [] : ['memoryCurrentBytes']),
  ];
}

function take(sample: Sample, walked: IteratorSample): void {
  sample.cpuUsageUs = walked.cpuUsageUs;
  sample.periods = walked.periods;
  sample.throttledPeriods = walked.throttledPeriods;
  sample.throttledUs = walked.throttledUs;
  sample.cpuQuotaUs = walked.cpuQuotaUs;
  sample.cpuPeriodUs = walked.cpuPeriodUs;
  sample.memoryCurrentBytes = walked.memoryCurrentBytes;
  sample.memoryLimitBytes = walked.memoryLimitBytes;
  sample.memoryHighBytes = walked.memoryHighBytes;
  sample.eventsHigh = walked.eventsHigh;
  sample.eventsMax = walked.eventsMax;
  sample.eventsOom = walked.eventsOom;
  sample.eventsOomKill = walked.eventsOomKill;
  sample.pids = walked.pids;
}
