// How one reading of a cgroup's files went: absent files are normal (older kernels, controllers off), refusals and malformed lines are counted.
import { bytesOf } from './kept-files.ts';
import type { KeptFiles } from './kept-files.ts';
import type { Sample } from './sample.ts';
import { parseSingleValue } from './single-value.ts';

/** gone: the cgroup is no longer there. partial: a file was refused, malformed or cut off; its fields are NaN. */
export type ReadOutcome = 'ok' | 'partial' | 'gone';

/** Length −1 stands for "no file": all of the parser's fields become NaN. @returns how many lines were malformed */
export type FileParser<T = Sample> = (buffer: Uint8Array, length: number, into: T) => number;

/** Reads and parses one file; its fields are NaN when it is absent or was refused. */
export function readInto<T>(files: KeptFiles, file: number, parse: FileParser<T>, into: T): void {
  const length = files.read(file);
  if (length >= 0) files.problems += parse(bytesOf(file), length, into);
  else parse(bytesOf(file), -1, into);
}

/** @returns the file's one value; NaN when it is absent, refused or malformed */
export function readValue(
  files: KeptFiles,
  file: number,
  parse: (buffer: Uint8Array, length: number) => number = parseSingleValue,
): number {
  const length = files.read(file);
  if (length < 0) return NaN;
  const value = parse(bytesOf(file), length);
  if (Number.isNaN(value)) files.problems++;
  return value;
}
