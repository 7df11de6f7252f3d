// The files of one cgroup on cgroup v2 (Documentation/admin-guide/cgroup-v2.rst): 14 kept open when all controllers are on.
import { parseCpuMax } from './cpu-max.ts';
import { parseCpuStat } from './cpu-stat.ts';
import type { Hierarchy } from './hierarchy.ts';
import { parseIoStat } from './io-stat.ts';
import { KeptFile } from './kept-file.ts';
import { parseMemoryEvents } from './memory-events.ts';
import { parseMemoryStat } from './memory-stat.ts';
import { pressureFiles, readPressureFiles } from './pressure-files.ts';
import type { PressureFiles } from './pressure-files.ts';
import { readInto, readValue } from './reading.ts';
import type { Tally } from './reading.ts';
import type { Sample } from './sample.ts';

/** What CgroupFiles needs of either layout; every method writes only the fields that its files hold. */
export interface CgroupReader {
  readFast(sample: Sample): void;
  readPressure(sample: Sample): void;
  readSlow(sample: Sample): void;
  readLimits(sample: Sample): void;
  readMemoryStat(sample: Sample): void;
  readonly files: readonly KeptFile[];
}

export class UnifiedFiles implements CgroupReader {
  readonly files: readonly KeptFile[];
  readonly #tally: Tally;
  readonly #cpuStat: KeptFile;
  readonly #memoryCurrent: KeptFile;
  readonly #memoryEvents: KeptFile;
  readonly #memoryStat: KeptFile;
  readonly #ioStat: KeptFile;
  readonly #pidsCurrent: KeptFile;
  readonly #swapCurrent: KeptFile;
  readonly #memoryPeak: KeptFile;
  readonly #memoryMax: KeptFile;
  readonly #memoryHigh: KeptFile;
  readonly #cpuMax: KeptFile;
  readonly #pressure: PressureFiles;

  constructor(hierarchy: Hierarchy, cgroup: string, tally: Tally) {
    const directory = hierarchy.path('core', cgroup);
    const file = (name: string): KeptFile => new KeptFile(directory, name);
    this.#tally = tally;
    this.#cpuStat = file('cpu.stat');
    this.#memoryCurrent = file('memory.current');
    this.#memoryEvents = file('memory.events');
    this.#memoryStat = file('memory.stat');
    this.#ioStat = file('io.stat');
    this.#pidsCurrent = file('pids.current');
    this.#swapCurrent = file('memory.swap.current');
    this.#memoryPeak = file('memory.peak');
    this.#memoryMax = file('memory.max');
    this.#memoryHigh = file('memory.high');
    this.#cpuMax = file('cpu.max');
    this.#pressure = pressureFiles(directory);
    this.files = [
      this.#cpuStat,
      this.#memoryCurrent,
      this.#memoryEvents,
      this.#memoryStat,
      this.#ioStat,
      this.#pidsCurrent,
      this.#swapCurrent,
      this.#memoryPeak,
      this.#memoryMax,
      this.#memoryHigh,
      this.#cpuMax,
      ...Object.values(this.#pressure),
    ];
  }

  readFast(sample: Sample): void {
    readInto(this.#cpuStat, this.#tally, parseCpuStat, sample);
    sample.memoryCurrentBytes = readValue(this.#memoryCurrent, this.#tally);
    readInto(this.#memoryEvents, this.#tally, parseMemoryEvents, sample);
  }

  readPressure(sample: Sample): void {
    readPressureFiles(this.#pressure, this.#tally, sample);
  }

  readSlow(sample: Sample): void {
    this.readMemoryStat(sample);
    readInto(this.#ioStat, this.#tally, parseIoStat, sample);
    sample.pids = readValue(this.#pidsCurrent, this.#tally);
    sample.swapBytes = readValue(this.#swapCurrent, this.#tally);
    sample.memoryPeakBytes = readValue(this.#memoryPeak, this.#tally);
    sample.memoryHighBytes = readValue(this.#memoryHigh, this.#tally);
    this.readLimits(sample);
  }

  readLimits(sample: Sample): void {
    sample.memoryLimitBytes = readValue(this.#memoryMax, this.#tally);
    readInto(this.#cpuMax, this.#tally, parseCpuMax, sample);
  }

  readMemoryStat(sample: Sample): void {
    readInto(this.#memoryStat, this.#tally, parseMemoryStat, sample);
  }
}
