import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ownCgroups, writableHierarchy } from '../../test/fixtures/cgroup/own-cgroups.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Discovery } from './discovery.ts';
import type { DiscoveryOptions, FoundCgroup } from './discovery.ts';
import type { Hierarchy } from './hierarchy.ts';

const POD = 'kubepods/burstable/pod0d1c6a4e-3f0b-4c55-9f57-7b1f2a9c5e10';
const ID = '4b1f6f2a'.repeat(8);
const CONTAINER = `${POD}/${ID}`;
const OTHER = `${POD}/${'0123abcd'.repeat(8)}`;

/** What discovery said, in order, and what it leaves standing. */
function recorder(hierarchy: Hierarchy, options: Partial<DiscoveryOptions> = {}) {
  const said: string[] = [];
  const standing = new Map<string, FoundCgroup>();
  const discovery = new Discovery({
    hierarchy,
    services: false,
    log: silentLogger,
    ...options,
    onFound(found) {
      said.push(`+${found.path}`);
      standing.set(found.path, found);
    },
    onGone(path) {
      said.push(`-${path}`);
      standing.delete(path);
    },
  });
  return { discovery, said, standing, paths: () => [...standing.keys()].toSorted() };
}

/** Polls for longer than any machine should need; how fast it really is, is the bench's question. */
const soon = <T>(assertion: () => T): Promise<T> => vi.waitFor(assertion, { timeout: 4000, interval: 5 });

let root = '';
let v1 = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'discovery-'));
  v1 = mkdtempSync(join(tmpdir(), 'discovery-v1-'));
});
afterEach(() => {
  for (const directory of [root, v1]) rmSync(directory, { recursive: true, force: true });
});

const make = (path: string, base = root): void => void mkdirSync(join(base, path), { recursive: true });
const remove = (path: string, base = root): void => rmSync(join(base, path), { recursive: true });
const tree = (memory = root): Hierarchy => ({
  root,
  kind: memory === root ? 'unified' : 'hybrid',
  path: (controller, cgroup) => join(controller === 'memory' ? memory : root, cgroup),
  isV1: () => false,
  missing: [],
});

describe('discovery', () => {
  it('finds what is there at the start, pods before their containers', () => {
    make(`${CONTAINER}/nested`);
    make('system.slice/sshd.service');
    make(`${POD}/crio-conmon-${ID}.scope`);
    const { discovery, said } = recorder(tree());
    discovery.start();
    discovery.stop();
    expect(said.toSorted()).toEqual(
      ['kubepods', 'kubepods/burstable', POD, CONTAINER, 'system.slice'].map((path) => `+${path}`).toSorted(),
    );
    expect(said.indexOf(`+${POD}`)).toBeLessThan(said.indexOf(`+${CONTAINER}`));
  });

  it('sees new and gone cgroups by inotify, whole subtrees too', async () => {
    const { discovery, paths } = recorder(tree());
    discovery.start();
    expect(discovery).toMatchObject({ mode: 'inotify', cause: '' });
    make(CONTAINER);
    await soon(() => expect(paths()).toEqual(['kubepods', 'kubepods/burstable', POD, CONTAINER]));
    make(OTHER);
    await soon(() => expect(paths()).toContain(OTHER));
    remove(POD);
    await soon(() => expect(paths()).toEqual(['kubepods', 'kubepods/burstable']));
    make(CONTAINER);
    await soon(() => expect(paths()).toContain(CONTAINER));
    discovery.stop();
  });

  it('ends a cgroup and begins another when one is made anew under the same name', () => {
    make(CONTAINER);
    const { discovery, said, standing } = recorder(tree());
    discovery.scan();
    const before = standing.get(CONTAINER)?.inode;
    // Out of the tree, but there: a file system gives the number of a removed inode to the next.
    renameSync(join(root, CONTAINER), join(v1, 'kept'));
    make(CONTAINER);
    said.length = 0;
    discovery.scan();
    expect(said).toEqual([`-${CONTAINER}`, `+${CONTAINER}`]);
    expect(standing.get(CONTAINER)?.inode).not.toBe(before);
  });

  it('says nothing when a scan finds nothing new', () => {
    make(CONTAINER);
    const { discovery, said } = recorder(tree());
    discovery.scan();
    said.length = 0;
    discovery.scan();
    expect(said).toEqual([]);
  });

  it('tells when a cgroup began', () => {
    const before = Date.now() - 1000;
    make(CONTAINER);
    const { discovery, standing } = recorder(tree());
    discovery.scan();
    const startWallMs = standing.get(CONTAINER)!.startWallMs;
    expect(startWallMs).toBeGreaterThan(before);
    expect(startWallMs).toBeLessThan(Date.now() + 1000);
  });

  it('takes services for pods only when asked to', () => {
    make('system.slice/sshd.service');
    const { discovery, standing } = recorder(tree(), { services: true });
    discovery.scan();
    expect(standing.get('system.slice/sshd.service')?.kind).toBe('container');
  });

  it('scans, and says why, when there is more to watch than may be watched', async () => {
    make(CONTAINER);
    const warn = vi.fn();
    const log = { ...silentLogger, warn, info: vi.fn() } as unknown as typeof silentLogger;
    const { discovery, paths } = recorder(tree(), { log, mostWatches: 2, scanIntervalMs: 5 });
    discovery.start();
    expect(discovery.mode).toBe('scan');
    expect(discovery.cause).toBe('more than 2 directories to watch');
    make(OTHER);
    await soon(() => expect(paths()).toContain(OTHER));
    discovery.stop();
    expect(warn).toHaveBeenCalledOnce();
  });

  it('counts what is more than may be tracked, says so once, and takes it when there is room', () => {
    make(CONTAINER);
    make(OTHER);
    const warn = vi.fn();
    const log = { ...silentLogger, warn } as unknown as typeof silentLogger;
    const { discovery, paths } = recorder(tree(), { log, mostTracked: 4 });
    discovery.scan();
    discovery.scan();
    expect(paths()).toHaveLength(4);
    expect(discovery.untracked).toBe(1);
    expect(warn).toHaveBeenCalledOnce();
    remove([CONTAINER, OTHER].find((path) => paths().includes(path))!);
    discovery.scan();
    expect(discovery.untracked).toBe(0);
    expect(paths()).toHaveLength(4);
  });

  it('on hybrid also finds cgroups that exist in v1 only, and each but once', async () => {
    const { discovery, said, paths } = recorder(tree(v1));
    discovery.start();
    make(CONTAINER);
    make(CONTAINER, v1);
    make(OTHER, v1);
    await soon(() => expect(paths()).toEqual(expect.arrayContaining([CONTAINER, OTHER])));
    discovery.scan();
    expect(new Set(paths()).size).toBe(5);
    remove(OTHER, v1);
    await soon(() => expect(paths()).not.toContain(OTHER));
    expect(said.filter((line) => line === `+${OTHER}`)).toHaveLength(1);
    discovery.stop();
  });

  it('survives a root that is not there', () => {
    rmSync(root, { recursive: true });
    const { discovery, said } = recorder(tree());
    discovery.start();
    discovery.stop();
    expect(said).toEqual([]);
  });
});

const real = writableHierarchy();

describe.skipIf(real === undefined)('discovery on this kernel (needs a writable cgroup mount)', () => {
  it('sees cgroups made, removed and made anew', async () => {
    const prefix = `headroom-test-discovery-${process.pid}`;
    const own = ownCgroups(real!, prefix);
    const { discovery, paths, standing } = recorder(real!);
    const ours = (): string[] =>
      paths()
        .filter((path) => path.startsWith(prefix))
        .map((path) => path.slice(prefix.length + 1));
    try {
      discovery.start();
      own.make(CONTAINER);
      await soon(() => expect(ours()).toEqual(['kubepods', 'kubepods/burstable', POD, CONTAINER]));
      const inode = standing.get(`${prefix}/${CONTAINER}`)?.inode;
      own.remove(CONTAINER);
      own.remove(POD);
      own.make(OTHER);
      await soon(() => expect(ours()).toEqual(['kubepods', 'kubepods/burstable', POD, OTHER]));
      own.make(CONTAINER);
      await soon(() => expect(ours()).toContain(CONTAINER));
      expect(standing.get(`${prefix}/${CONTAINER}`)?.inode).not.toBe(inode);
      own.removeAll();
      await soon(() => expect(ours()).toEqual([]));
    } finally {
      discovery.stop();
      own.removeAll();
    }
  });
});
