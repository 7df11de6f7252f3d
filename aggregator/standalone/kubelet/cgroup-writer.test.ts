import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHierarchy } from '../../../agent/cgroup/hierarchy.ts';
import { createCgroupWriter } from './cgroup-writer.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headroom-cgroup-'));
  writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory pids\n');
  writeFileSync(join(root, 'cgroup.subtree_control'), 'cpu\n');
});

afterEach(() => rmSync(root, { recursive: true }));

describe('createCgroupWriter', () => {
  it('writes nowhere but below its own folder', () => {
    const writer = createCgroupWriter(openHierarchy(root), 'headroom-1');
    expect(() => writer.make('kubepods')).toThrow('not below headroom-1');
    expect(() => writer.write('headroom-11/x', 'memory.limit', 1)).toThrow('not below headroom-1');
    expect(() => writer.make('headroom-1/../other')).toThrow('leaves headroom-1');
    expect(() => createCgroupWriter(openHierarchy(root), 'kubepods')).toThrow('no folder');
    expect(existsSync(join(root, 'other'))).toBe(false);
  });

  it('writes limits in the kernel’s units and rounds memory down to pages', () => {
    const writer = createCgroupWriter(openHierarchy(root), 'headroom-1');
    mkdirSync(join(root, 'headroom-1'));
    expect(writer.write('headroom-1', 'memory.limit', 10_000)).toEqual({ kind: 'written' });
    expect(writer.write('headroom-1', 'cpu.limit', 250)).toEqual({ kind: 'written' });
    expect(writer.write('headroom-1', 'cpu.request', 1000)).toEqual({ kind: 'written' });
    const read = (file: string): string => readFileSync(join(root, 'headroom-1', file), 'latin1');
    expect([read('memory.max'), read('cpu.max'), read('cpu.weight')]).toEqual(['8192', '25000 100000', '39']);
    writer.write('headroom-1', 'cpu.limit', undefined);
    expect(read('cpu.max')).toBe('max 100000');
  });

  it('says what to run as root where a controller is not passed on, and does not do it', () => {
    const writer = createCgroupWriter(openHierarchy(root), 'headroom-1');
    const refused = writer.write('headroom-1', 'memory.limit', 4096);
    expect(refused.kind === 'refused' && refused.cause).toContain(
      `echo "+memory +pids" > ${root}/cgroup.subtree_control`,
    );
    expect(readFileSync(join(root, 'cgroup.subtree_control'), 'latin1')).toBe('cpu\n');
  });
});
