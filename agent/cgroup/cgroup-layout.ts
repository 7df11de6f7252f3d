// What one cgroup's files are called in either layout of controllers, and which of them make which fields.
import type { Controller } from './hierarchy.ts';
import type { KeptFiles } from './kept-files.ts';
import type { Sample } from './sample.ts';

/** The files of each reader, as KeptFiles.readAhead wants them. */
export interface FileBits {
  readonly usage: number;
  readonly throttling: number;
  readonly events: number;
  readonly pressure: number;
  readonly cpuPressure: number;
  readonly outside: number;
  readonly rest: number;
  readonly limits: number;
  readonly memoryStat: number;
}

/** Stateless: `files` are the cgroup's, opened by this layout's numbers. Every reader writes only the fields that its files hold. */
export interface CgroupFileLayout {
  /** Directory and name of each file, by its number. */
  readonly places: readonly (readonly [controller: Controller, name: string])[];
  readonly bits: FileBits;
  /** CPU time used and memory held: what moves as soon as anything in the cgroup runs. */
  readUsage(files: KeptFiles, sample: Sample): void;
  /** Throttling that `readUsage` did not come across. */
  readThrottling(files: KeptFiles, sample: Sample): void;
  /** What limits and the OOM killer did. */
  readEvents(files: KeptFiles, sample: Sample): void;
  readPressure(files: KeptFiles, sample: Sample): void;
  readCpuPressure(files: KeptFiles, sample: Sample): void;
  /** Bytes read and written (pages are written back later, by others) and processes (reaped and moved by others). */
  readOutside(files: KeptFiles, sample: Sample): void;
  /** Everything that is read neither by another reader here nor by `readMemoryStat`. */
  readRest(files: KeptFiles, sample: Sample): void;
  readLimits(files: KeptFiles, sample: Sample): void;
  readMemoryStat(files: KeptFiles, sample: Sample): void;
}
