// Gives back the pages of node, its libraries and addons that only the start needed: half of what a fresh process has mapped of them.
// madvise(2) MADV_DONTNEED takes them out of the process; what is still in use comes back from the page cache at its next touch, 64 KiB
// at a time. Locked pages (memory-lock.ts) can't be given back, and are then locked anew as they are touched.
import { readFileSync } from 'node:fs';
import type { Mapping } from './memory-lock.ts';

/** V8 has compiled what is hot by then, and the first pushes are done. */
export const SETTLED_MS = 30_000;

/** Unlocks a mapping's pages and takes them out. @returns 0, or the error number */
export type ReleaseMemory = (start: number, bytes: number) => number;

/** @returns how many mappings were taken out */
export function releaseStartPages(procRoot: string, release: ReleaseMemory): number {
  let released = 0;
  for (const { start, bytes } of unwritten(readSmaps(procRoot))) if (release(start, bytes) === 0) released++;
  return released;
}

/**
 * Mappings of files that may not be written and were not: every page is as the file has it. Relocated constants, and code in which a
 * debugger set a breakpoint, are pages of their own and would be lost: in memory (Anonymous) as well as swapped out (Swap, a later line).
 */
export function unwritten(smaps: string): readonly Mapping[] {
  const found: Mapping[] = [];
  let mapping: Mapping | undefined;
  for (const line of smaps.split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ [1-9]\d*\s+\//.exec(line) ?? [];
    if (from !== undefined && to !== undefined) {
      const start = Number.parseInt(from, 16);
      mapping = { start, bytes: Number.parseInt(to, 16) - start };
    } else if (/^[0-9a-f]+-/.test(line)) {
      mapping = undefined;
    } else if (/^Anonymous:\s+[1-9]/.test(line)) {
      mapping = undefined;
    } else if (mapping && /^Swap:\s+0 kB/.test(line)) {
      found.push(mapping);
    }
  }
  return found;
}

function readSmaps(procRoot: string): string {
  try {
    return readFileSync(`${procRoot}/self/smaps`, 'latin1');
  } catch {
    return ''; // no CONFIG_PROC_PAGE_MONITOR, or not allowed: everything stays
  }
}
