import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockProgramText, programText } from './memory-lock.ts';

const MAPS = `00400000-00a00000 r--p 00000000 fe:00 1234 /usr/bin/node
00a00000-02a00000 r-xp 00600000 fe:00 1234 /usr/bin/node
02a00000-02b00000 rw-p 02600000 fe:00 1234 /usr/bin/node
10000000-20000000 rw-p 00000000 00:00 0 [heap]
7f0000000000-7f0000001000 r-xp 00000000 00:00 0 [vdso]
7f1000000000-7f1000002000 r-xp 00000000 fe:00 77 /lib/x86_64-linux-gnu/libc.so.6
7f2000000000-7f2000002000 rwxp 00000000 00:00 0
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headroom-maps-'));
  mkdirSync(join(root, 'self'));
  writeFileSync(join(root, 'self/maps'), MAPS);
});
afterEach(() => rmSync(root, { recursive: true }));

describe('programText', () => {
  it('is what files hold and nobody writes: no heap, no code that V8 made', () => {
    expect(programText(MAPS)).toEqual([
      { start: 0x400000, bytes: 0x600000 },
      { start: 0xa00000, bytes: 0x2000000 },
      { start: 0x7f1000000000, bytes: 0x2000 },
    ]);
  });
});

describe('lockProgramText', () => {
  const own = (file: string, text: string): void => writeFileSync(join(root, 'self', file), text);
  beforeEach(() => {
    own('status', 'Name:\tnode\nCapEff:\t0000000000000000\n');
    own('limits', 'Max locked memory         8388608              8388608              bytes\n');
  });

  it('locks each mapping, by the addon where there is one', () => {
    const locked: number[] = [];
    const lock = (start: number): number => {
      locked.push(start);
      return 0;
    };
    const never = (): never => {
      throw new Error('loaded');
    };
    expect(lockProgramText(root, lock, never)).toEqual({ name: 'memory_lock', available: true, cause: '' });
    expect(locked).toEqual([0x400000, 0xa00000, 0x7f1000000000]);
  });

  it.each([
    [1, /IPC_LOCK/],
    [12, /limit of locked memory/],
    [22, /Linux 4\.4/],
    [5, /error 5/],
  ])('says what to do about error %d', (errno, cause) => {
    const refused = lockProgramText(root, () => errno);
    expect(refused).toMatchObject({ available: false, cause: expect.stringMatching(cause) });
  });

  it('loads ffi-napi only with the right or the limit to lock', () => {
    let loads = 0;
    const load = () => {
      loads++;
      return (): number => 0;
    };
    expect(lockProgramText(root, undefined, load)).toMatchObject({
      available: false,
      cause: expect.stringMatching(/limit of locked memory/),
    });
    expect(loads).toBe(0);
    own('limits', 'Max locked memory         unlimited            unlimited            bytes\n');
    expect(lockProgramText(root, undefined, load).available).toBe(true);
    own('limits', 'Max locked memory         8388608              8388608              bytes\n');
    own('status', 'CapEff:\t0000000000004000\n');
    expect(lockProgramText(root, undefined, load).available).toBe(true);
    expect(loads).toBe(2);
  });

  it('is one capability less where ffi-napi is not installed', () => {
    own('status', 'CapEff:\t000001ffffffffff\n');
    const without = lockProgramText(root, undefined, () => {
      throw new Error("Cannot find module 'ffi-napi'\nRequire stack:");
    });
    expect(without.available).toBe(false);
    expect(without.cause).toMatch(/^ffi-napi can't be used: Cannot find module 'ffi-napi': install/);
  });
});
