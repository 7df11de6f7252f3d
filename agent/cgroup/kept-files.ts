// Kernel files that stay open: one pread at offset 0 a reading (open + close would cost more than most of the files themselves).
// Each kept file also pins a page of kernel memory (seq_file's buffer), charged to the agent's cgroup. A set's descriptors lie in
// one array and its paths are made when a file is opened: a node has thousands of files, and most of an agent's memory would be theirs.
// Where the native addon is there, files that are read together cost one call: a third less than a readSync each.
import { closeSync, openSync, readSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';

/** A set of files for `readAhead()`. */
export function bitsOf(files: readonly number[]): number {
  return files.reduce((bits, file) => bits | (1 << file), 0);
}

/** `read()`: there is no such file, or it was unreadable when last tried. Not tried again until `retry()`. */
export const ABSENT = -1;
/** `read()`: tried and refused by the kernel. */
export const FAILED = -2;
/** `read()`: tried and the file is not there, or no longer. */
export const VANISHED = -3;

const CLOSED = -1;
const GIVEN_UP = -2;

/** Files of a set. */
const MOST_FILES = 16;
const FIRST_BYTES = 16 * 1024;
/** No cgroup file is anywhere near; what is larger counts as unreadable. */
const MOST_BYTES = 1024 * 1024;
/** In `lengths`: not read ahead. Errors are there as negative error numbers. */
const NOT_READ = -(2 ** 31);

/** native/index.ts: reads the files of the bits of `wanted` into `bytes`, each `room` bytes behind the one before. */
export type ReadFiles = (
  descriptors: Int32Array,
  wanted: number,
  bytes: Uint8Array,
  room: number,
  lengths: Int32Array,
) => void;

/** What was read, shared by all sets: parse it before the next reading. A place a file's number, made anew when one needs larger ones. */
interface Scratch {
  readonly room: number;
  readonly all: Buffer;
  /** Parts of `all`. */
  readonly places: readonly Buffer[];
}

/** Pages of it are used only as far as files reach. */
function makeScratch(room: number): Scratch {
  const all = Buffer.allocUnsafeSlow(room * MOST_FILES);
  const places = Array.from({ length: MOST_FILES }, (_, file) => all.subarray(file * room, (file + 1) * room));
  return { room, all, places };
}

let scratch = makeScratch(FIRST_BYTES);
/** What the last `readAhead()` left: whose (by its descriptors), a bit for each file that `read()` did not take yet, and how long they are. */
let aheadOf: Int32Array | undefined;
let ahead = 0;
const lengths = new Int32Array(MOST_FILES);
let readFiles: ReadFiles | undefined;

/** Files are read together by this from now on; undefined: each by itself. */
export function readTogether(read: ReadFiles | undefined): void {
  readFiles = read;
}

/** What the last `read()` of this file left. */
export function bytesOf(file: number): Buffer {
  return scratch.places[file]!;
}

/** Files that may stay open: a container has 14, on hybrid 16. The rest is opened and closed at each reading. */
const MOST_KEPT = 131_072;
/** Files closed when the process runs out of descriptors (EMFILE): room for sockets. */
const GIVEN_BACK = 64;

/** Sets that have a file open, oldest first. */
const keeping = new Set<KeptFiles>();
let open = 0;
let mostKept = MOST_KEPT;
let exhausted = 0;

/** How many files are open, how many may be, and how often the process ran out of descriptors. */
export function keptFiles(): { readonly open: number; readonly most: number; readonly exhausted: number } {
  return { open, most: mostKept, exhausted };
}

/** For tests: as if the process could keep no more than `most` files. */
export function limitKeptFiles(most: number = MOST_KEPT): void {
  mostKept = most;
}

/** Files that are read together, by number: those of one cgroup, or of the machine. */
export class KeptFiles {
  /** Refused files and malformed lines so far; the parsers' callers count theirs here too. */
  problems = 0;
  /** A file that was expected is not there: time to look whether its directory is. */
  vanished = false;
  readonly #pathOf: (file: number) => string;
  readonly #descriptors: Int32Array;

  /** Opens nothing yet: each file is opened when it is first read. @param pathOf asked at each opening */
  constructor(count: number, pathOf: (file: number) => string) {
    this.#pathOf = pathOf;
    this.#descriptors = new Int32Array(count).fill(CLOSED);
  }

  /**
   * Says which files `read()` is called for next, before those of another set. Saves time where the addon is there.
   * @param wanted a bit a file
   */
  readAhead(wanted: number): void {
    if (readFiles === undefined) return;
    readFiles(this.#descriptors, wanted, scratch.all, scratch.room, lengths);
    aheadOf = this.#descriptors;
    ahead = wanted;
  }

  /** Reads the whole file. @returns its length in `bytesOf(file)`, or ABSENT, FAILED, VANISHED; never throws */
  read(file: number): number {
    if (this.#descriptors[file] === GIVEN_UP) return ABSENT;
    try {
      const length = this.#takeAhead(file) ?? this.#readNow(file);
      if (length < 0) return this.#refused(file, getSystemErrorName(length));
      if (length === scratch.room) return this.#readLarge(file);
      if (open > mostKept) this.#close(file);
      return length;
    } catch (err) {
      return this.#refused(file, (err as NodeJS.ErrnoException).code);
    }
  }

  /** Lets the next reading try again to open what was absent. */
  retry(): void {
    for (const [file, descriptor] of this.#descriptors.entries()) {
      if (descriptor === GIVEN_UP) this.#descriptors[file] = CLOSED;
    }
  }

  /** Files that are read after this are opened again. */
  close(): void {
    for (let file = 0; file < this.#descriptors.length; file++) this.#close(file);
    keeping.delete(this);
  }

  /** Closes files until only `most` are open in the process. */
  giveBack(most: number): void {
    for (let file = 0; file < this.#descriptors.length; file++) {
      if (open <= most) return;
      this.#close(file);
    }
  }

  /** @returns undefined where it was not read ahead; an error number below 0 */
  #takeAhead(file: number): number | undefined {
    const bit = 1 << file;
    if (aheadOf !== this.#descriptors) ahead = 0; // this reading overwrites it
    if ((ahead & bit) === 0) return undefined;
    ahead &= ~bit;
    const length = lengths[file]!;
    return length === NOT_READ ? undefined : length;
  }

  #readNow(file: number): number {
    const kept = this.#descriptors[file]!;
    return readSync(kept >= 0 ? kept : this.#open(file), scratch.places[file]!, 0, scratch.room, 0);
  }

  #open(file: number): number {
    const path = this.#pathOf(file);
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (err) {
      if (!isExhausted((err as NodeJS.ErrnoException).code)) throw err;
      exhausted++;
      mostKept = Math.max(0, open - GIVEN_BACK);
      for (const set of keeping) set.giveBack(mostKept);
      descriptor = openSync(path, 'r');
    }
    this.#descriptors[file] = descriptor;
    open++;
    keeping.add(this);
    return descriptor;
  }

  #close(file: number): void {
    const descriptor = this.#descriptors[file]!;
    if (descriptor < 0) return;
    this.#descriptors[file] = CLOSED;
    open--;
    closeSync(descriptor);
  }

  #refused(file: number, code: string | undefined): number {
    this.#close(file);
    if (!isExhausted(code)) this.#descriptors[file] = GIVEN_UP;
    if (code === 'ENODEV' || code === 'ENOENT' || code === 'ENOTDIR') {
      this.vanished = true;
      return VANISHED;
    }
    if (isOff(code)) return ABSENT;
    this.problems++;
    return FAILED;
  }

  #readLarge(file: number): number {
    while (scratch.room < MOST_BYTES) {
      scratch = makeScratch(scratch.room * 4);
      ahead = 0; // it lies in the old one
      const length = this.#readNow(file);
      if (length < scratch.room) return length;
    }
    this.#close(file);
    this.#descriptors[file] = GIVEN_UP;
    this.problems++;
    return FAILED;
  }
}

function isExhausted(code: string | undefined): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/** Pressure files answer EOPNOTSUPP where PSI is off. */
function isOff(code: string | undefined): boolean {
  return code === 'EOPNOTSUPP' || code === 'ENOTSUP';
}
