// "Flat keyed" kernel files (Documentation/admin-guide/cgroup-v2.rst, "Conventions"): a line is `KEY VALUE\n`.
// Hot: bytes in, numbers out, nothing allocated. A line without its newline was cut off and says nothing.
import { decimal, decimalEnd } from './bytes.ts';

const SPACE = 32;
const NEWLINE = 10;
const SLOTS = 128;
/** The upper 7 bits of 32. */
const SLOT_SHIFT = 25;
/** An odd number with well mixed bits (2^32 / golden ratio): the multipliers that are tried are its multiples. */
const MIXER = 0x9e3779b1;
/** Lines whose key length is remembered; memory.stat has about 60. */
const REMEMBERED_LINES = 128;

/** The keys that a parser wants, found by length, first and last letter, then compared byte by byte. */
export interface KeySet {
  readonly keys: readonly Uint8Array[];
  /** Index of a key by its slot; -1: no wanted key looks like that. */
  readonly slots: Int8Array;
  readonly multiplier: number;
  /** How long the key of each line was in the file before: the kernel prints the same lines again, so keys need no second scan. */
  readonly lengths: Uint8Array;
  /** /proc/meminfo writes ` kB` behind its values: they are read as bytes. */
  readonly kilobytes: boolean;
}

/** @throws Error when two names share length, first and last letter: a bug in the caller's list */
export function keySet(names: readonly string[], options: { readonly kilobytes?: boolean } = {}): KeySet {
  const keys = names.map((name) => Uint8Array.from(Buffer.from(name, 'latin1')));
  for (let attempt = 1; attempt < 256; attempt++) {
    const multiplier = Math.imul(MIXER, 2 * attempt - 1);
    const slots = new Int8Array(SLOTS).fill(-1);
    const free = keys.every((key, index) => {
      const slot = slotOf(key.length, key[0]!, key[key.length - 1]!, multiplier);
      if (slots[slot] !== -1) return false;
      slots[slot] = index;
      return true;
    });
    if (free) {
      const lengths = new Uint8Array(REMEMBERED_LINES);
      return { keys, slots, multiplier, lengths, kilobytes: options.kilobytes ?? false };
    }
  }
  throw new Error(`no slots tell ${names.join(', ')} apart`);
}

/**
 * Writes the value of `set.keys[i]` to `values[i]`: NaN when the file has no such line or the line is malformed.
 * Stops once every key was found.
 * @returns how many lines were malformed: no value, not a whole number from 0 to 2^53 − 1, or cut off
 */
export function readFlatKeyed(buffer: Uint8Array, length: number, set: KeySet, values: Float64Array): number {
  let missing = set.keys.length;
  for (let index = 0; index < missing; index++) values[index] = NaN;
  let malformed = 0;
  let at = 0;
  for (let line = 0; at < length && missing > 0; line++) {
    const start = at;
    at = keyEnd(buffer, start, length, set.lengths, line);
    const key = findKey(set, buffer, start, at);
    if (key < 0) {
      const bare = at >= length || buffer[at] !== SPACE;
      while (at < length && buffer[at] !== NEWLINE) at++;
      if (bare || at >= length) malformed++;
      at++;
      continue;
    }
    while (at < length && buffer[at] === SPACE) at++;
    const first = at;
    at = decimalEnd(buffer, at, length);
    const value = decimal(buffer, first, at);
    const end = set.kilobytes ? skipKilobytes(buffer, at, length) : at;
    if (value >= 0 && end < length && buffer[end] === NEWLINE) {
      values[key] = set.kilobytes ? value * 1024 : value;
      missing--;
      at = end + 1;
    } else {
      malformed++;
      while (at < length && buffer[at] !== NEWLINE) at++;
      at++;
    }
  }
  return malformed;
}

/** Index behind the key: where a space stood in this line before, else by looking for it. */
function keyEnd(buffer: Uint8Array, start: number, length: number, lengths: Uint8Array, line: number): number {
  const guess = start + (line < REMEMBERED_LINES ? lengths[line]! : 0);
  if (guess > start && guess < length && buffer[guess] === SPACE) return guess;
  let at = start;
  while (at < length && buffer[at]! > SPACE) at++;
  if (line < REMEMBERED_LINES && at - start < 256) lengths[line] = at - start;
  return at;
}

function skipKilobytes(buffer: Uint8Array, at: number, length: number): number {
  const unit = at + 2 < length && buffer[at] === SPACE && buffer[at + 1] === 0x6b && buffer[at + 2] === 0x42;
  return unit ? at + 3 : length;
}

function findKey(set: KeySet, buffer: Uint8Array, start: number, end: number): number {
  if (end <= start) return -1;
  const candidate = set.slots[slotOf(end - start, buffer[start]!, buffer[end - 1]!, set.multiplier)]!;
  if (candidate < 0) return -1;
  const key = set.keys[candidate]!;
  if (key.length !== end - start) return -1;
  for (let index = 0; index < key.length; index++) if (buffer[start + index] !== key[index]) return -1;
  return candidate;
}

function slotOf(length: number, first: number, last: number, multiplier: number): number {
  return Math.imul((length << 16) | (first << 8) | last, multiplier) >>> SLOT_SHIFT;
}
