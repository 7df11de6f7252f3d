// The three pressure files of a cgroup, or of the machine (/proc/pressure).
import type { KeptFiles } from './kept-files.ts';
import { parsePressure } from './pressure.ts';
import { readInto } from './reading.ts';
import type { Sample } from './sample.ts';

/** The order in which `readPressureFiles` finds them. */
export const PRESSURE_RESOURCES = ['cpu', 'memory', 'io'] as const;

const totals = { someUs: NaN, fullUs: NaN };

/** @param first number of the cpu file; those of memory and io follow */
export function readPressureFiles(files: KeptFiles, first: number, sample: Sample): void {
  readCpuPressure(files, first, sample);
  readInto(files, first + 1, parsePressure, totals);
  sample.memorySomeUs = totals.someUs;
  sample.memoryFullUs = totals.fullUs;
  readInto(files, first + 2, parsePressure, totals);
  sample.ioSomeUs = totals.someUs;
}

export function readCpuPressure(files: KeptFiles, file: number, sample: Sample): void {
  readInto(files, file, parsePressure, totals);
  sample.cpuSomeUs = totals.someUs;
}
