// Several files in one call on the running kernel: the same bytes, and the same refusals, as one by one. Program text, locked and given back.
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockProgramText } from '../../../agent/node/memory-lock.ts';
import { releaseStartPages } from '../../../agent/node/start-pages.ts';
import { builtNative } from './ready.ts';

const NOT_READ = -(2 ** 31);
const ROOM = 64;

const native = builtNative(1);
let root = '';
const open: number[] = [];
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'headroom-reads-'))));
afterEach(() => {
  for (const descriptor of open.splice(0)) closeSync(descriptor);
  rmSync(root, { recursive: true });
});

function opened(path: string): number {
  const descriptor = openSync(path, 'r');
  open.push(descriptor);
  return descriptor;
}

function file(text: string): number {
  const path = join(root, String(open.length));
  writeFileSync(path, text);
  return opened(path);
}

describe('readFiles', () => {
  it('reads the wanted files from their start, each into its own room', () => {
    const descriptors = Int32Array.from([file('one\n'), file('two\n'), -1, file(''), file('x'.repeat(100))]);
    const bytes = new Uint8Array(ROOM * 5);
    const lengths = new Int32Array(5);
    for (let reading = 0; reading < 2; reading++) {
      native.readFiles(descriptors, 0b11101, bytes, ROOM, lengths);
      expect([...lengths]).toEqual([4, NOT_READ, NOT_READ, 0, ROOM]);
    }
    const textAt = (index: number): string => Buffer.from(bytes).toString('latin1', index * ROOM, index * ROOM + 4);
    expect([textAt(0), textAt(1), textAt(4)]).toEqual(['one\n', '\0\0\0\0', 'xxxx']);
  });

  it('reads what readSync reads of a kernel file', () => {
    const descriptor = opened('/proc/self/cgroup');
    const [bytes, alone] = [new Uint8Array(4096), Buffer.alloc(4096)];
    const lengths = new Int32Array(1);
    native.readFiles(Int32Array.from([descriptor]), 1, bytes, 4096, lengths);
    expect(lengths[0]).toBe(readSync(descriptor, alone, 0, 4096, 0));
    expect(Buffer.from(bytes)).toEqual(alone);
  });

  it('gives the error number of a refusal and goes on', () => {
    const lengths = new Int32Array(3);
    const descriptors = Int32Array.from([1_000_000, opened(root), file('two\n')]);
    native.readFiles(descriptors, 7, new Uint8Array(ROOM * 3), ROOM, lengths);
    expect([...lengths]).toEqual([-9, -21, 4]); // EBADF, EISDIR
  });

  it('refuses less room than there are files, and arrays of another kind', () => {
    const descriptors = Int32Array.from([file('one\n'), file('two\n')]);
    const lengths = new Int32Array(2);
    expect(() => native.readFiles(descriptors, 3, new Uint8Array(ROOM), ROOM, lengths)).toThrow(RangeError);
    expect(() => native.readFiles(descriptors, 3, new Uint8Array(ROOM * 2), ROOM, new Int32Array(1))).toThrow(
      RangeError,
    );
    const floats = new Float64Array(2) as unknown as Int32Array;
    expect(() => native.readFiles(floats, 3, new Uint8Array(ROOM * 2), ROOM, lengths)).toThrow(TypeError);
  });
});

describe('lockMemory, releaseMemory', () => {
  it('say why not by the error number', () => {
    expect(native.lockMemory(4096, 4096)).toBe(12); // ENOMEM: nothing is mapped there
    expect(native.releaseMemory(4096, 4096)).toBe(12);
  });

  it('give back text that is not in use, locked or not, and what is in use comes back', () => {
    const residentKb = (): number =>
      Number(/^RssFile:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
    const [before, lock] = [residentKb(), lockProgramText('/proc', native.lockMemory)];
    expect(releaseStartPages('/proc', native.releaseMemory)).toBeGreaterThan(2);
    expect(residentKb()).toBeLessThan(before * 0.8);
    expect(lockProgramText('/proc', native.lockMemory)).toEqual(lock);
    expect(JSON.parse(JSON.stringify({ still: ['here'] }))).toEqual({ still: ['here'] });
  });
});
