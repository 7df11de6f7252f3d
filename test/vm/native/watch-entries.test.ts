// Directories watched for what comes and goes in them, not for what changes in their files.
import { mkdirSync, mkdtempSync, renameSync, rmSync, rmdirSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtNative } from './ready.ts';

const ENOENT = 2;
const native = builtNative(1);
let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'headroom-entries-'))));
afterEach(() => rmSync(root, { recursive: true }));

describe('watchEntries', () => {
  it('lets a watcher of fs.watch hear what is made, renamed and removed, and no longer what is written', async () => {
    const [heard, plain] = [join(root, 'heard'), join(root, 'plain')];
    for (const directory of [heard, plain]) mkdirSync(directory);
    for (const directory of [heard, plain]) writeFileSync(join(directory, 'memory.events'), 'max 0');
    const told: string[] = [];
    const watchers = [heard, plain].map((directory) =>
      watch(directory, (event, name) => told.push(`${directory === heard ? 'heard' : 'plain'} ${event} ${name}`)),
    );
    expect(native.watchEntries(heard)).toBe(0);
    for (const directory of [heard, plain]) writeFileSync(join(directory, 'memory.events'), 'max 1');
    for (const directory of [heard, plain]) mkdirSync(join(directory, 'child'));
    await expect.poll(() => told).toEqual(expect.arrayContaining(['heard rename child', 'plain rename child']));
    expect(told).toContain('plain change memory.events');
    expect(told.filter((each) => each.startsWith('heard'))).toEqual(['heard rename child']);
    renameSync(join(heard, 'child'), join(heard, 'other'));
    rmdirSync(join(heard, 'other'));
    const names = (): number => told.filter((each) => each === 'heard rename other').length;
    await expect.poll(names).toBe(2);
    for (const watcher of watchers) watcher.close();
  });

  it('says why not of a directory that is not there', () => {
    const watcher = watch(root, () => undefined);
    expect(native.watchEntries(join(root, 'nowhere'))).toBe(ENOENT);
    watcher.close();
  });
});
