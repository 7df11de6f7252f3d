import { mkdirSync, mkdtempSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ABSENT,
  FAILED,
  KeptFiles,
  VANISHED,
  bitsOf,
  bytesOf,
  keptFiles,
  limitKeptFiles,
  readTogether,
} from './kept-files.ts';
import type { ReadFiles } from './kept-files.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'kept-file-'))));
afterEach(() => {
  limitKeptFiles();
  readTogether(undefined);
  rmSync(root, { recursive: true });
});

/** What the last reading left, as text. */
const text = (files: KeptFiles, file: number): string => {
  const length = files.read(file);
  return bytesOf(file).toString('latin1', 0, length);
};
const keep = (...names: readonly string[]): KeptFiles =>
  new KeptFiles(names.length, (file) => join(root, names[file]!));

describe('kept files', () => {
  it('stay open between readings and show what they hold now', () => {
    writeFileSync(join(root, 'a'), '1\n');
    const before = keptFiles().open;
    const files = keep('a');
    expect(text(files, 0)).toBe('1\n');
    writeFileSync(join(root, 'a'), '22\n');
    expect(text(files, 0)).toBe('22\n');
    expect(keptFiles().open).toBe(before + 1);
    files.close();
    expect(keptFiles().open).toBe(before);
  });

  it('are not asked for again until told to when they are absent', () => {
    const files = keep('a');
    expect(files.read(0)).toBe(VANISHED);
    writeFileSync(join(root, 'a'), '1\n');
    expect(files.read(0)).toBe(ABSENT);
    files.retry();
    expect(files.read(0)).toBe(2);
    files.close();
  });

  it('are read all the same when no more may stay open', () => {
    writeFileSync(join(root, 'a'), '1\n');
    const before = keptFiles().open;
    limitKeptFiles(before);
    const files = keep('a');
    expect([files.read(0), files.read(0)]).toEqual([2, 2]);
    expect(keptFiles().open).toBe(before);
  });

  it('of one set are closed and given up each for itself', () => {
    writeFileSync(join(root, 'b'), '333\n');
    const before = keptFiles().open;
    const files = keep('a', 'b');
    expect([files.read(0), files.read(1), files.read(0)]).toEqual([VANISHED, 4, ABSENT]);
    expect([files.vanished, files.problems, keptFiles().open - before]).toEqual([true, 0, 1]);
    files.close();
    files.close();
    expect(keptFiles().open).toBe(before);
    expect(files.read(1)).toBe(4);
    files.close();
  });

  it('are given back by the oldest first, and read again all the same', () => {
    for (const name of ['a', 'b']) writeFileSync(join(root, name), name);
    const before = keptFiles().open;
    const [older, newer] = [keep('a', 'b'), keep('a', 'b')];
    for (const files of [older, newer]) expect([files.read(0), files.read(1)]).toEqual([1, 1]);
    older.giveBack(before + 3);
    expect(keptFiles().open).toBe(before + 3);
    expect([older.read(0), older.read(1), newer.read(0)]).toEqual([1, 1, 1]);
    older.close();
    newer.close();
    expect(keptFiles().open).toBe(before);
  });
});

/** As the addon does it, and a count of the files that it read. */
function inOneCall() {
  const counted = { files: 0 };
  const read: ReadFiles = (descriptors, wanted, bytes, room, lengths) => {
    for (const [file, descriptor] of descriptors.entries()) {
      lengths[file] = -(2 ** 31);
      if (descriptor < 0 || (wanted & (1 << file)) === 0) continue;
      counted.files++;
      try {
        lengths[file] = readSync(descriptor, bytes, file * room, room, 0);
      } catch (err) {
        lengths[file] = (err as { errno: number }).errno;
      }
    }
  };
  readTogether(read);
  return counted;
}

describe('kept files that are read together', () => {
  const ALL = bitsOf([0, 1, 2]);
  beforeEach(() => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), `${name} 1\n`);
  });

  it('are read by one call once they are open, and show what they hold then', () => {
    const counted = inOneCall();
    const files = keep('a', 'b', 'c');
    files.readAhead(ALL);
    expect([0, 1, 2].map((file) => text(files, file))).toEqual(['a 1\n', 'b 1\n', 'c 1\n']);
    expect(counted.files).toBe(0);
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), `${name} 2\n`);
    files.readAhead(ALL);
    expect([2, 0, 1].map((file) => text(files, file))).toEqual(['c 2\n', 'a 2\n', 'b 2\n']);
    expect(counted.files).toBe(3);
    files.close();
  });

  it('are taken once: the next reading reads again', () => {
    inOneCall();
    const files = keep('a', 'b', 'c');
    text(files, 0);
    files.readAhead(ALL);
    expect(text(files, 0)).toBe('a 1\n');
    writeFileSync(join(root, 'a'), 'a 2\n');
    expect(text(files, 0)).toBe('a 2\n');
    files.close();
  });

  it('are read again when another set was read in between', () => {
    inOneCall();
    const [one, other] = [keep('a', 'b', 'c'), keep('c', 'c', 'c')];
    for (const files of [one, other]) [0, 1, 2].map((file) => text(files, file));
    one.readAhead(ALL);
    expect(text(other, 1)).toBe('c 1\n');
    expect([0, 1, 2].map((file) => text(one, file))).toEqual(['a 1\n', 'b 1\n', 'c 1\n']);
    for (const files of [one, other]) files.close();
  });

  it('tell of a refusal as they do one by one', () => {
    inOneCall();
    mkdirSync(join(root, 'directory'));
    const files = keep('directory', 'b');
    files.retry();
    expect(files.read(0)).toBe(FAILED); // opened, but not to be read
    const again = keep('b', 'b');
    text(again, 0);
    readTogether((_descriptors, _wanted, _bytes, _room, lengths) => lengths.set([-19, -5]));
    again.readAhead(bitsOf([0, 1]));
    expect([again.read(0), again.vanished, again.problems]).toEqual([VANISHED, true, 0]);
    expect([again.read(1), again.problems]).toEqual([FAILED, 1]);
    expect([again.read(0), again.read(1)]).toEqual([ABSENT, ABSENT]);
    for (const set of [files, again]) set.close();
  });

  it('are read whole when one is larger than the room for it', () => {
    inOneCall();
    const files = keep('a', 'b', 'c');
    [0, 1, 2].map((file) => text(files, file));
    const long = 'x'.repeat(70_000);
    writeFileSync(join(root, 'b'), long);
    for (let reading = 0; reading < 2; reading++) {
      files.readAhead(ALL);
      expect([0, 1, 2].map((file) => text(files, file))).toEqual(['a 1\n', long, 'c 1\n']);
    }
    files.close();
  });
});
