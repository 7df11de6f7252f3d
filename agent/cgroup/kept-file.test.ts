import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ABSENT, KeptFile, VANISHED, keptFiles, limitKeptFiles, scratch } from './kept-file.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'kept-file-'))));
afterEach(() => {
  limitKeptFiles();
  rmSync(root, { recursive: true });
});

describe('a kept file', () => {
  it('stays open between readings and sees what the file holds now', () => {
    writeFileSync(join(root, 'a'), '1\n');
    const before = keptFiles().open;
    const file = new KeptFile(root, 'a');
    expect(scratch.bytes.toString('latin1', 0, file.read())).toBe('1\n');
    writeFileSync(join(root, 'a'), '22\n');
    expect(scratch.bytes.toString('latin1', 0, file.read())).toBe('22\n');
    expect(keptFiles().open).toBe(before + 1);
    file.close();
    expect(keptFiles().open).toBe(before);
  });

  it('is not asked for again until told to when it is absent', () => {
    const file = new KeptFile(root, 'a');
    expect(file.read()).toBe(VANISHED);
    writeFileSync(join(root, 'a'), '1\n');
    expect(file.read()).toBe(ABSENT);
    file.retry();
    expect(file.read()).toBe(2);
    file.close();
  });

  it('is read all the same when no more files may stay open', () => {
    writeFileSync(join(root, 'a'), '1\n');
    const before = keptFiles().open;
    limitKeptFiles(before);
    const file = new KeptFile(root, 'a');
    expect([file.read(), file.read()]).toEqual([2, 2]);
    expect(keptFiles().open).toBe(before);
  });
});
