import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { releaseStartPages, unwritten } from './start-pages.ts';

/** One mapping as smaps shows it, less the lines between. */
const mapping = (head: string, anonymousKb: number, swapKb = 0): string =>
  `${head}\nSize:                 24 kB\nRss:                  24 kB\nAnonymous:      ${String(anonymousKb).padStart(8)} kB\nSwap:           ${String(swapKb).padStart(8)} kB\nSwapPss:               0 kB\nVmFlags: rd mr mw me\n`;

const SMAPS = [
  mapping('00400000-00a00000 r--p 00000000 fe:00 1234                               /usr/bin/node', 0),
  mapping('00a00000-02a00000 r-xp 00600000 fe:00 1234                               /usr/bin/node', 0),
  mapping('02a00000-02a04000 r--p 02600000 fe:00 1234                               /usr/bin/node', 8),
  mapping('02b00000-02b10000 rw-p 02600000 fe:00 1234                               /usr/bin/node', 0),
  mapping('10000000-20000000 rw-p 00000000 00:00 0                                  [heap]', 4096),
  mapping('20000000-20001000 r-xp 00000000 00:00 0 ', 0),
  mapping('7f0000000000-7f0000001000 r-xp 00000000 00:00 0                          [vdso]', 0),
  mapping('7f1000000000-7f1000002000 r-xp 00000000 fe:00 77                         /lib/libc.so.6', 4),
  mapping('7f1100000000-7f1100002000 r--p 00000000 fe:00 79                         /lib/libm.so.6', 0, 8),
  mapping('7f2000000000-7f2000002000 r--s 00000000 fe:00 78                         /tmp/shared', 0),
].join('');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headroom-smaps-'));
  mkdirSync(join(root, 'self'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('unwritten', () => {
  it('is program text as its file has it: nothing relocated, be it swapped out, no breakpoint, nothing shared or writable', () => {
    expect(unwritten(SMAPS)).toEqual([
      { start: 0x400000, bytes: 0x600000 },
      { start: 0xa00000, bytes: 0x2000000 },
    ]);
  });
});

describe('releaseStartPages', () => {
  it('counts what the kernel gave back', () => {
    writeFileSync(join(root, 'self/smaps'), SMAPS);
    const asked: number[] = [];
    const release = (start: number): number => {
      asked.push(start);
      return start === 0x400000 ? 22 : 0;
    };
    expect(releaseStartPages(root, release)).toBe(1);
    expect(asked).toEqual([0x400000, 0xa00000]);
  });

  it('leaves everything where it is when the mappings can not be read', () => {
    const release = (): number => {
      throw new Error('asked');
    };
    expect(releaseStartPages(root, release)).toBe(0);
  });
});
