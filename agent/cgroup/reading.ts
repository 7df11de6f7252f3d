// How one reading of a cgroup's files went: absent files are normal (older kernels, controllers off), refusals and malformed lines are counted.
import { FAILED, VANISHED, scratch } from './kept-file.ts';
import type { KeptFile } from './kept-file.ts';
import type { Sample } from './sample.ts';
import { parseSingleValue } from './single-value.ts';

/** gone: the cgroup is no longer there. partial: a file was refused, malformed or cut off; its fields are NaN. */
export type ReadOutcome = 'ok' | 'partial' | 'gone';

/** Filled by the readers of one cgroup, looked at after each call. */
export interface Tally {
  /** Refused files and malformed lines so far. */
  problems: number;
  /** A file that was expected is not there: time to look whether the cgroup is. */
  vanished: boolean;
}

/** Length −1 stands for "no file": all of the parser's fields become NaN. @returns how many lines were malformed */
export type FileParser<T = Sample> = (buffer: Uint8Array, length: number, into: T) => number;

/** Reads and parses one file; its fields are NaN when it is absent or was refused. */
export function readInto<T>(file: KeptFile, tally: Tally, parse: FileParser<T>, into: T): void {
  const length = file.read();
  if (length >= 0) {
    tally.problems += parse(scratch.bytes, length, into);
    return;
  }
  count(length, tally);
  parse(scratch.bytes, -1, into);
}

/** @returns the file's one value; NaN when it is absent, refused or malformed */
export function readValue(
  file: KeptFile,
  tally: Tally,
  parse: (buffer: Uint8Array, length: number) => number = parseSingleValue,
): number {
  const length = file.read();
  if (length < 0) {
    count(length, tally);
    return NaN;
  }
  const value = parse(scratch.bytes, length);
  if (Number.isNaN(value)) tally.problems++;
  return value;
}

function count(length: number, tally: Tally): void {
  if (length === FAILED) tally.problems++;
  else if (length === VANISHED) tally.vanished = true;
}
