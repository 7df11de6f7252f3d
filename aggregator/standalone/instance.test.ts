import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Hierarchy } from '../../agent/cgroup/hierarchy.ts';
import { openHierarchy } from '../../agent/cgroup/hierarchy.ts';
import { claimInstance } from './instance.ts';
import { writeKubeconfig } from './kubeconfig-file.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { processId } from './process-id.ts';

let folder: string;
let base: string;
let hierarchy: Hierarchy;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headroom-instance-'));
  base = join(folder, 'run');
  mkdirSync(join(folder, 'cgroup'));
  writeFileSync(join(folder, 'cgroup', 'cgroup.controllers'), '\n');
  hierarchy = openHierarchy(join(folder, 'cgroup'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('claimInstance', () => {
  it('gives each run a number, a folder and a kubeconfig of its own, and takes the folder away again', () => {
    const first = claimInstance(hierarchy, base);
    const second = claimInstance(hierarchy, base);
    expect([first.number, second.number]).toEqual([1, 2]);
    expect(second.kubeconfigFile).not.toBe(first.kubeconfigFile);
    expect(statSync(first.folder).mode & 0o777).toBe(0o700);
    expect(statSync(first.writeSecret('x', 'secret')).mode & 0o777).toBe(0o600);
    first.release();
    second.release();
    expect(existsSync(base)).toBe(false);
  });

  it('takes over from a run that died and removes what it left', () => {
    mkdirSync(join(base, 'instance-1'), { recursive: true });
    mkdirSync(join(folder, 'cgroup', 'headroom-1', 'kubepods'), { recursive: true });
    const dead = { pid: process.pid, startTicks: '1', children: [{ pid: process.pid, startTicks: '2' }] };
    writeFileSync(join(base, 'instance-1', 'owner.json'), JSON.stringify(dead));
    const instance = claimInstance(hierarchy, base);
    expect(instance.number).toBe(1);
    expect(instance.removed).toHaveLength(1);
    expect(existsSync(join(folder, 'cgroup', 'headroom-1'))).toBe(false);
  });

  it('removes what a run that died left under another number than its own', () => {
    const first = claimInstance(hierarchy, base);
    const second = claimInstance(hierarchy, base);
    mkdirSync(join(folder, 'cgroup', 'headroom-2'));
    writeFileSync(
      join(second.folder, 'owner.json'),
      JSON.stringify({ pid: process.pid, startTicks: '1', children: [] }),
    );
    first.release();
    const next = claimInstance(hierarchy, base);
    expect(next.number).toBe(1);
    expect(next.removed).toHaveLength(1);
    expect(existsSync(second.folder)).toBe(false);
    expect(existsSync(join(folder, 'cgroup', 'headroom-2'))).toBe(false);
  });

  it('keeps its owner file whole, and goes on, when it can’t be written any more', () => {
    const instance = claimInstance(hierarchy, base);
    const owner = join(instance.folder, 'owner.json');
    const before = readFileSync(owner, 'utf8');
    mkdirSync(`${owner}.partial`); // what a full disk does, for root too: the write fails
    instance.remember(process.pid);
    mkdirSync(`${owner}.partial`, { recursive: true });
    expect(readFileSync(owner, 'utf8')).toBe(before);
    expect(() => instance.writeSecret('owner.json', '')).toThrow(/can't write .*owner\.json/);
    expect(claimInstance(hierarchy, base).number).toBe(2);
  });

  it('leaves alone a number whose cgroup holds processes of somebody else', () => {
    mkdirSync(join(folder, 'cgroup', 'headroom-1'));
    writeFileSync(join(folder, 'cgroup', 'headroom-1', 'cgroup.procs'), '1\n');
    expect(claimInstance(hierarchy, base).number).toBe(2);
  });

  it('says what is wrong where its folder can’t be made', () => {
    writeFileSync(base, 'a file');
    expect(() => claimInstance(hierarchy, base)).toThrow(/can't use .*run: .*set XDG_RUNTIME_DIR/);
  });
});

describe('writeKubeconfig', () => {
  const text = kubeconfigText('https://127.0.0.1:1', 'ca', 'admin', { kind: 'token', token: 't' });

  it('writes it for its owner alone and removes it while it is still the same', () => {
    const file = join(folder, 'sub', 'kubeconfig');
    const remove = writeKubeconfig(file, text);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    remove();
    expect(existsSync(file)).toBe(false);
    const stale = writeKubeconfig(file, text);
    writeKubeconfig(file, text.replace(':1', ':2'));
    stale();
    expect(existsSync(file)).toBe(true);
  });

  it('never writes over a kubeconfig of somebody else', () => {
    const file = join(folder, 'config');
    writeFileSync(file, 'apiVersion: v1\nkind: Config\n');
    expect(() => writeKubeconfig(file, text)).toThrow('is not from headroom');
    expect(readFileSync(file, 'utf8')).toBe('apiVersion: v1\nkind: Config\n');
  });

  it('says so where it can’t be written, and leaves no half file', () => {
    const file = join(folder, 'cgroup', 'cgroup.controllers', 'kubeconfig');
    expect(() => writeKubeconfig(file, text)).toThrow(/can't (read|write) /);
    chmodSync(folder, 0o700);
  });

  it.runIf(process.platform === 'linux')('refuses a place in /proc, where no folder can be made, at once', () => {
    expect(() => writeKubeconfig('/proc/headroom/kubeconfig', text)).toThrow(/can't write the kubeconfig .*ENOENT/);
  });
});

describe('processId', () => {
  it('tells this process from none', () => {
    expect(processId(process.pid)?.startTicks).toMatch(/^\d+$/);
    expect(processId(2 ** 30)).toBeUndefined();
  });
});
