import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ABSENT, KeptFiles, VANISHED, keptFiles, limitKeptFiles, scratch } from './kept-files.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'kept-file-'))));
afterEach(() => {
  limitKeptFiles();
  rmSync(root, { recursive: true });
});

const keep = (...names: readonly string[]): KeptFiles =>
  new KeptFiles(names.length, (file) => join(root, names[file]!));

describe('kept files', () => {
  it('stay open between readings and show what they hold now', () => {
    writeFileSync(join(root, 'a'), '1\n');
    const before = keptFiles().open;
    const files = keep('a');
    expect(scratch.bytes.toString('latin1', 0, files.read(0))).toBe('1\n');
    writeFileSync(join(root, 'a'), '22\n');
    expect(scratch.bytes.toString('latin1', 0, files.read(0))).toBe('22\n');
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
