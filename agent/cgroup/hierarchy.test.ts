import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HYBRID_ROOT, PROC_ROOT, UNIFIED_ROOT } from '../../test/fixtures/cgroup/recorded.ts';
import { CodedError } from '../runtime/coded-error.ts';
import { openHierarchy } from './hierarchy.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'hierarchy-'))));
afterEach(() => rmSync(root, { recursive: true }));

function failure(run: () => unknown): unknown {
  try {
    return run();
  } catch (err) {
    return err;
  }
}

describe('the cgroup hierarchy', () => {
  it('is one tree on cgroup v2', () => {
    const hierarchy = openHierarchy(UNIFIED_ROOT, PROC_ROOT);
    expect(hierarchy).toMatchObject({ kind: 'unified', root: UNIFIED_ROOT, missing: [] });
    expect(hierarchy.path('memory', 'a/b')).toBe(`${UNIFIED_ROOT}/a/b`);
    expect(hierarchy.path('core', '')).toBe(UNIFIED_ROOT);
  });

  it('is a tree a controller on hybrid', () => {
    const hierarchy = openHierarchy(HYBRID_ROOT, PROC_ROOT);
    expect(hierarchy).toMatchObject({ kind: 'hybrid', root: join(HYBRID_ROOT, 'unified'), missing: [] });
    expect(hierarchy.path('memory', 'a')).toBe(join(HYBRID_ROOT, 'memory/a'));
    expect(hierarchy.path('io', 'a')).toBe(join(HYBRID_ROOT, 'blkio/a'));
    expect(hierarchy.path('core', 'a')).toBe(join(HYBRID_ROOT, 'unified/a'));
    expect(hierarchy.isV1('cpu')).toBe(true);
    expect(hierarchy.isV1('core')).toBe(false);
  });

  it('finds v1 controllers that share a mount', () => {
    for (const directory of ['unified', 'cpu,cpuacct']) mkdirSync(join(root, directory));
    writeFileSync(join(root, 'unified/cgroup.controllers'), '\n');
    writeFileSync(join(root, 'cpu,cpuacct/cgroup.procs'), '');
    const hierarchy = openHierarchy(root, PROC_ROOT);
    expect(hierarchy.path('cpu', 'a')).toBe(join(root, 'cpu,cpuacct/a'));
    expect(hierarchy.path('cpuacct', 'a')).toBe(join(root, 'cpu,cpuacct/a'));
  });

  it('says which controllers are missing and what that costs', () => {
    writeFileSync(join(root, 'cgroup.controllers'), 'cpu pids\n');
    const { missing } = openHierarchy(root, PROC_ROOT);
    expect(missing.map((capability) => capability.name)).toEqual(['memory', 'io']);
    expect(missing[0]?.cause).toMatch(/memory controller .* no memory usage/);
  });

  it('says when there is no pressure information', () => {
    writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory pids io\n');
    expect(openHierarchy(root, join(root, 'no-proc')).missing).toEqual([
      { name: 'psi', available: false, cause: 'needs a Linux kernel >= 4.20 with CONFIG_PSI' },
    ]);
  });

  it('says when the mount shows only a part of the machine', () => {
    writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory pids io\n');
    writeFileSync(join(root, 'cgroup.events'), 'populated 1\n');
    expect(openHierarchy(root, PROC_ROOT).missing.map((capability) => capability.name)).toEqual(['whole_machine']);
  });

  it.each([
    ['is not there', 'nowhere', /does not exist: give --cgroup-root/],
    ['holds no cgroup2', '.', /no cgroup2 mount at .*--cgroup-root/],
  ])('refuses a root that %s, and says what to do', (_name, path, message) => {
    const err = failure(() => openHierarchy(join(root, path)));
    expect(err).toBeInstanceOf(CodedError);
    expect(err).toMatchObject({ code: 'no_cgroup2', message: expect.stringMatching(message) });
  });
});
