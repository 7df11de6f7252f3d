// One cgroup's readings with what the kernel tells beside the files: the iterator's numbers in place of the files' where they are as good,
// and how long tasks waited for a CPU.
import type { RunQueueDelays } from '../../native/index.ts';
import { emptyDelays } from '../../native/index.ts';
import type { Sample } from '../cgroup/sample.ts';
import { emptySample } from '../cgroup/sample.ts';
import type { FilesReading } from './cgroup-iterator.ts';

/** As the sampler asks: agent/store/row.ts. */
export interface ReadFiles {
  readFast(sample: Sample, atBootMs: number, now?: boolean): ReturnType<FilesReading>;
  readPressure(sample: Sample): unknown;
  readStill(sample: Sample, calm?: boolean): unknown;
  readSlow(sample: Sample): unknown;
  readLimits(sample: Sample): unknown;
  readMemoryStat(sample: Sample): unknown;
  close(): void;
}

/** What is asked of the kernel of one cgroup by its path. */
export interface ToldCgroup {
  sample(cgroup: string, sample: Sample, atBootMs: number, files: FilesReading): boolean;
  delays(cgroup: string, into: RunQueueDelays): boolean;
}

/** A young container is read when it is 1 s and 2 s old: at that instant, not at that of the last walk. */
const FILES_FIRST = 4;
const delays = emptyDelays();
/** What the files say beside a walk; of one reading only. */
const beside = emptySample();

export class KernelFiles implements ReadFiles {
  readonly #files: ReadFiles;
  readonly #cgroup: string;
  readonly #told: ToldCgroup;
  readonly #readFiles: FilesReading;
  #readings = 0;
  /** When the reading was asked for that the walk answered; NaN: the files did. */
  #walkedBootMs = NaN;

  constructor(files: ReadFiles, cgroup: string, told: ToldCgroup) {
    this.#files = files;
    this.#cgroup = cgroup;
    this.#told = told;
    this.#readFiles = (sample, atBootMs) => files.readFast(sample, atBootMs);
  }

  /** @param now never a walk's numbers: those may be older than what this reading is the answer to */
  readFast(sample: Sample, atBootMs: number, now = false): ReturnType<FilesReading> {
    const walked =
      ++this.#readings > FILES_FIRST && !now && this.#told.sample(this.#cgroup, sample, atBootMs, this.#readFiles);
    this.#walkedBootMs = walked ? atBootMs : NaN;
    const outcome = walked ? 'ok' : this.#files.readFast(sample, atBootMs);
    if (this.#told.delays(this.#cgroup, delays)) sample.waitMs = delays.delayMs;
    return outcome;
  }

  readPressure(sample: Sample): unknown {
    return this.#files.readPressure(sample);
  }

  readStill(sample: Sample, calm?: boolean): unknown {
    this.#readMemoryNow(sample);
    return this.#files.readStill(sample, calm);
  }

  readSlow(sample: Sample): unknown {
    this.#readMemoryNow(sample);
    return this.#files.readSlow(sample);
  }

  readLimits(sample: Sample): unknown {
    return this.#files.readLimits(sample);
  }

  readMemoryStat(sample: Sample): unknown {
    this.#readMemoryNow(sample);
    return this.#files.readMemoryStat(sample);
  }

  close(): void {
    this.#files.close();
  }

  /**
   * memory.stat is about to be read: page cache of now, taken from a memory.current that is up to a second old, would make a working set
   * that there never was. CPU time stays the walk's, with its instant.
   */
  #readMemoryNow(sample: Sample): void {
    if (Number.isNaN(this.#walkedBootMs)) return;
    this.#readFiles(beside, this.#walkedBootMs);
    this.#walkedBootMs = NaN;
    if (!Number.isNaN(beside.memoryCurrentBytes)) sample.memoryCurrentBytes = beside.memoryCurrentBytes;
  }
}
