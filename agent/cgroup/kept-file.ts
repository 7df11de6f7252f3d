// A kernel file that stays open: one pread at offset 0 a reading (open + close would cost more than most of the files themselves).
// Each kept file also pins a page of kernel memory (seq_file's buffer), charged to the agent's cgroup.
import { closeSync, openSync, readSync } from 'node:fs';

/** `read()`: there is no such file, or it was unreadable when last tried. Not tried again until `retry()`. */
export const ABSENT = -1;
/** `read()`: tried and refused by the kernel. */
export const FAILED = -2;
/** `read()`: tried and the file is not there, or no longer. */
export const VANISHED = -3;

const FIRST_BYTES = 16 * 1024;
/** No cgroup file is anywhere near; what is larger counts as unreadable. */
const MOST_BYTES = 1024 * 1024;

/** What the last `read()` left, shared by all files: parse it before the next one. Replaced by a larger one when a file needs it. */
export const scratch = { bytes: Buffer.allocUnsafeSlow(FIRST_BYTES) };

/** Files that may stay open: a container has 14, on hybrid 16. The rest is opened and closed at each reading. */
const MOST_KEPT = 131_072;
/** Files closed when the process runs out of descriptors (EMFILE): room for sockets. */
const GIVEN_BACK = 64;

const kept = new Set<KeptFile>();
let mostKept = MOST_KEPT;
let exhausted = 0;

/** How many files are open, how many may be, and how often the process ran out of descriptors. */
export function keptFiles(): { readonly open: number; readonly most: number; readonly exhausted: number } {
  return { open: kept.size, most: mostKept, exhausted };
}

/** For tests: as if the process could keep no more than `most` files. */
export function limitKeptFiles(most: number = MOST_KEPT): void {
  mostKept = most;
}

export class KeptFile {
  readonly #directory: string;
  readonly #name: string;
  #fd = -1;
  #absent = false;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
  }

  /** Reads the whole file into `scratch.bytes`. @returns its length, or ABSENT, FAILED, VANISHED; never throws */
  read(): number {
    if (this.#absent) return ABSENT;
    try {
      if (this.#fd < 0) this.#open();
      const length = readSync(this.#fd, scratch.bytes, 0, scratch.bytes.length, 0);
      if (length === scratch.bytes.length) return this.#readLarge();
      if (kept.size > mostKept) this.close();
      return length;
    } catch (err) {
      this.close();
      const code = (err as NodeJS.ErrnoException).code;
      this.#absent = code !== 'EMFILE' && code !== 'ENFILE';
      return code === 'ENODEV' || code === 'ENOENT' || code === 'ENOTDIR' ? VANISHED : isOff(code) ? ABSENT : FAILED;
    }
  }

  /** Lets the next reading try again to open what was absent. */
  retry(): void {
    this.#absent = false;
  }

  close(): void {
    if (this.#fd < 0) return;
    kept.delete(this);
    const fd = this.#fd;
    this.#fd = -1;
    closeSync(fd);
  }

  #open(): void {
    const path = `${this.#directory}/${this.#name}`;
    try {
      this.#fd = openSync(path, 'r');
    } catch (err) {
      const code = (err as NodeJS.ErrnoException).code;
      if (code !== 'EMFILE' && code !== 'ENFILE') throw err;
      exhausted++;
      giveBack();
      this.#fd = openSync(path, 'r');
    }
    kept.add(this);
  }

  #readLarge(): number {
    while (scratch.bytes.length < MOST_BYTES) {
      scratch.bytes = Buffer.allocUnsafeSlow(scratch.bytes.length * 4);
      const length = readSync(this.#fd, scratch.bytes, 0, scratch.bytes.length, 0);
      if (length < scratch.bytes.length) return length;
    }
    this.close();
    this.#absent = true;
    return FAILED;
  }
}

/** Pressure files answer EOPNOTSUPP where PSI is off. */
function isOff(code: string | undefined): boolean {
  return code === 'EOPNOTSUPP' || code === 'ENOTSUP';
}

function giveBack(): void {
  mostKept = Math.max(0, kept.size - GIVEN_BACK);
  for (const file of kept) {
    if (kept.size <= mostKept) return;
    file.close();
  }
}
