import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OpenWatch } from './memory-events-watch.ts';
import { MemoryEventsWatch, openWatch } from './memory-events-watch.ts';

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'headroom-events-'))));
afterEach(() => rmSync(root, { recursive: true }));

function cgroup(name: string): string {
  const directory = join(root, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'memory.events'), 'max 0\n');
  return directory;
}

describe('MemoryEventsWatch', () => {
  it('tells whose memory.events changed', async () => {
    const changed: string[] = [];
    const watch = new MemoryEventsWatch((directory) => changed.push(directory));
    const [quiet, loud] = [cgroup('quiet'), cgroup('loud')];
    watch.add(quiet);
    watch.add(loud);
    writeFileSync(join(loud, 'memory.events'), 'max 1\n');
    await vi.waitFor(() => expect(changed).toContain(loud));
    expect(changed).not.toContain(quiet);
    watch.close();
  });

  it('tells of a storm once until it is asked to look again, and forgets what went meanwhile', async () => {
    const changed: string[] = [];
    const watch = new MemoryEventsWatch((directory) => changed.push(directory));
    const [storm, gone, other] = [cgroup('storm'), cgroup('gone'), cgroup('other')];
    for (const directory of [storm, gone, other]) watch.add(directory);
    const say = (directory: string, max: number): void =>
      writeFileSync(join(directory, 'memory.events'), `max ${max}\n`);
    for (const directory of [storm, gone]) say(directory, 1);
    await vi.waitFor(() => expect(changed.toSorted()).toEqual([gone, storm]));
    watch.add(storm); // discovery saw it again
    for (let max = 2; max < 50; max++) say(storm, max);
    say(other, 1);
    await vi.waitFor(() => expect(changed).toContain(other));
    expect(changed.filter((directory) => directory === storm)).toHaveLength(1);
    expect(watch.size).toBe(3);
    watch.remove(gone);
    watch.rearm();
    expect(watch.size).toBe(2);
    for (const directory of [storm, gone]) say(directory, 50);
    await vi.waitFor(() => expect(changed.filter((directory) => directory === storm)).toHaveLength(2));
    expect(changed.filter((directory) => directory === gone)).toHaveLength(1);
    watch.close();
  });

  it('tries again what could not be watched, and says so until then', async () => {
    const changed: string[] = [];
    let left = true;
    const open: OpenWatch = (file, heard) => {
      if (!left) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      return openWatch(file, heard);
    };
    const watch = new MemoryEventsWatch((directory) => changed.push(directory), { open });
    const [first, second] = [cgroup('first'), cgroup('second')];
    watch.add(first);
    writeFileSync(join(first, 'memory.events'), 'max 1\n');
    await vi.waitFor(() => expect(changed).toEqual([first]));
    left = false;
    watch.add(second);
    watch.rearm();
    expect([watch.size, watch.cause]).toEqual([2, expect.stringMatching(/^no inotify watches left/)]);
    left = true;
    watch.rearm();
    expect([watch.size, watch.cause]).toEqual([2, '']);
    for (const directory of [first, second]) writeFileSync(join(directory, 'memory.events'), 'max 2\n');
    await vi.waitFor(() => expect(changed.toSorted()).toEqual([first, first, second]));
    watch.close();
  });

  it('is silent about what it no longer watches', async () => {
    const changed: string[] = [];
    const watch = new MemoryEventsWatch((directory) => changed.push(directory));
    const [gone, kept] = [cgroup('gone'), cgroup('kept')];
    for (const directory of [gone, kept]) watch.add(directory);
    watch.remove(gone);
    writeFileSync(join(gone, 'memory.events'), 'max 1\n');
    writeFileSync(join(kept, 'memory.events'), 'max 1\n');
    await vi.waitFor(() => expect(changed).toContain(kept));
    expect(changed).not.toContain(gone);
    expect(watch.size).toBe(1);
    watch.close();
  });

  it('keeps to its bound and says that more is not watched', () => {
    const watch = new MemoryEventsWatch(() => undefined, { most: 1 });
    const [first, second] = [cgroup('first'), cgroup('second')];
    watch.add(first);
    watch.add(first);
    expect(watch.cause).toBe('');
    watch.add(second);
    expect(watch.size).toBe(1);
    expect(watch.cause).toBe('more than 1 containers to watch');
    watch.close();
    expect(watch.size).toBe(0);
  });

  it('takes a cgroup that is gone already for nothing special', () => {
    const watch = new MemoryEventsWatch(() => undefined);
    watch.add(join(root, 'nowhere'));
    expect([watch.size, watch.cause]).toEqual([0, '']);
  });
});
