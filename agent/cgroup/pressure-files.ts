// The three pressure files of a cgroup, or of the machine (/proc/pressure), kept open.
import { KeptFile } from './kept-file.ts';
import { parsePressure } from './pressure.ts';
import { readInto } from './reading.ts';
import type { Tally } from './reading.ts';
import type { Sample } from './sample.ts';

export interface PressureFiles {
  readonly cpu: KeptFile;
  readonly memory: KeptFile;
  readonly io: KeptFile;
}

const totals = { someUs: NaN, fullUs: NaN };

/** @param suffix '.pressure' in a cgroup, '' in /proc/pressure */
export function pressureFiles(directory: string, suffix = '.pressure'): PressureFiles {
  return {
    cpu: new KeptFile(directory, `cpu${suffix}`),
    memory: new KeptFile(directory, `memory${suffix}`),
    io: new KeptFile(directory, `io${suffix}`),
  };
}

export function readPressureFiles(files: PressureFiles, tally: Tally, sample: Sample): void {
  readInto(files.cpu, tally, parsePressure, totals);
  sample.cpuSomeUs = totals.someUs;
  readInto(files.memory, tally, parsePressure, totals);
  sample.memorySomeUs = totals.someUs;
  sample.memoryFullUs = totals.fullUs;
  readInto(files.io, tally, parsePressure, totals);
  sample.ioSomeUs = totals.someUs;
}
