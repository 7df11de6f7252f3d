import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PsiTriggers } from './psi-triggers.ts';
import type { PsiTriggersParts } from './psi-triggers.ts';
import type { Attempt, Native } from '../../native/index.ts';

type Opened = { file: string; windowUs: number; wake: (kind: 'fired' | 'ended') => void; closed: boolean };

/** A kernel that takes windows from `leastWindowUs` up, and remembers what it was asked. */
function kernel(leastWindowUs: number): {
  native: Attempt<Pick<Native, 'openPressure'>>;
  opened: Opened[];
  asked: number[];
} {
  const opened: Opened[] = [];
  const asked: number[] = [];
  const openPressure: Native['openPressure'] = (file, { windowUs }, wake) => {
    asked.push(windowUs);
    if (windowUs < leastWindowUs) return { kind: 'missing', cause: `no window of ${windowUs}`, cure: 'another kernel' };
    const trigger = { file, windowUs, wake, closed: false };
    opened.push(trigger);
    return { kind: 'ready', value: { close: () => void (trigger.closed = true) } };
  };
  return { native: { kind: 'ready', value: { openPressure } }, opened, asked };
}

const OLD_ENOUGH_MS = 30_000;
let root: string;
let nowMs: number;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headroom-psi-'));
  nowMs = 0;
});
afterEach(() => rmSync(root, { recursive: true }));

function triggersOf(
  native: PsiTriggersParts['native'],
  onStall: PsiTriggersParts['onStall'] = () => undefined,
  kernel = '7.3.4-cloud-amd64',
) {
  return new PsiTriggers({ native, root, kernel, clock: { bootTimeMs: () => nowMs }, onStall });
}

/** A cgroup with processes in it, unless said otherwise. */
function pod(name: string, populated = 1): string {
  const directory = join(root, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'cgroup.events'), `populated ${populated}\nfrozen 0\n`);
  return directory;
}

/** Time goes on until every pod was looked at. */
function settle(triggers: PsiTriggers): void {
  nowMs += OLD_ENOUGH_MS;
  for (let second = 0; second < 20; second++) triggers.settle();
}

describe('PsiTriggers', () => {
  it('takes the shortest window that the kernel allows and asks for no shorter one again', () => {
    const { native, opened, asked } = kernel(500_000);
    const triggers = triggersOf(native);
    for (const name of ['a', 'b']) triggers.add(pod(name));
    settle(triggers);
    expect(asked).toEqual([100_000, 500_000, 500_000, 500_000, 500_000, 500_000]);
    expect(opened.map(({ file }) => file)).toEqual(
      ['memory.pressure', 'a/memory.pressure', 'a/cpu.pressure', 'b/memory.pressure', 'b/cpu.pressure'].map((file) =>
        join(root, file),
      ),
    );
    expect(triggers.windowMs).toBe(500);
    expect(triggers.cause).toBe('');
  });

  it('writes to no cgroup before it has lived for half a minute', () => {
    const { native, opened } = kernel(0);
    const triggers = triggersOf(native);
    triggers.add(pod('a'));
    nowMs = 10_000;
    triggers.add(pod('b'));
    nowMs = OLD_ENOUGH_MS - 1;
    triggers.settle();
    expect(triggers.size).toBe(0);
    expect(opened.map(({ file }) => file)).toEqual([join(root, 'memory.pressure')]);
    nowMs = OLD_ENOUGH_MS;
    triggers.settle();
    expect(triggers.size).toBe(2);
    expect(opened.slice(1).every(({ file }) => file.startsWith(join(root, 'a/')))).toBe(true);
  });

  it('writes to no cgroup without processes, which might be removed at that moment, and looks again later', () => {
    const { native, opened } = kernel(0);
    const triggers = triggersOf(native);
    triggers.add(pod('a', 0));
    triggers.add(join(root, 'gone'));
    settle(triggers);
    expect([triggers.size, opened.length]).toEqual([0, 1]);
    pod('a');
    triggers.settle();
    expect(triggers.size).toBe(0);
    settle(triggers);
    expect(triggers.size).toBe(2);
  });

  it.each([
    ['5.10.0-30-amd64', 0],
    ['6.1.0-56-cloud-amd64', 0],
    ['6.18.5', 0],
    ['7.2.9', 0],
    ['something else', 0],
    ['7.3.0-rc1', 2],
    ['7.10.1', 2],
    ['8.0.0', 2],
  ])('asks Linux %s, which may crash of it or not, for %i', (release, expected) => {
    const { native, asked } = kernel(0);
    const triggers = triggersOf(native, undefined, release);
    triggers.add(pod('a'));
    settle(triggers);
    expect(triggers.size).toBe(expected);
    expect(asked.length).toBe(expected && expected + 1);
    expect(triggers.cause).toMatch(expected ? /^$/ : /before Linux 7\.3 may crash.*: stalls are read each second$/);
  });

  it('looks at no more than a few pods at a time', () => {
    const { native } = kernel(0);
    const triggers = triggersOf(native);
    for (let number = 0; number < 20; number++) triggers.add(pod(String(number)));
    nowMs = OLD_ENOUGH_MS;
    const sizes = [1, 2, 3, 4].map(() => (triggers.settle(), triggers.size));
    expect(sizes).toEqual([16, 32, 40, 40]);
  });

  it('says which cgroup stalled on what, and nothing when the cgroup ends', () => {
    const { native, opened } = kernel(0);
    const stalls: string[] = [];
    const triggers = triggersOf(native, (directory, resource) => stalls.push(`${directory} ${resource}`));
    triggers.add(pod('a'));
    settle(triggers);
    opened[1]!.wake('fired');
    opened[2]!.wake('ended');
    expect(stalls).toEqual([`${join(root, 'a')} memory`]);
  });

  it('keeps to its bound, says so, and gives what a removed cgroup had to one that waited', () => {
    const { native, opened } = kernel(0);
    const triggers = triggersOf(native);
    for (let number = 0; number < 100; number++) triggers.add(pod(String(number)));
    settle(triggers);
    expect(triggers.size).toBe(128);
    expect(triggers.cause).toMatch(/more than 128/);
    triggers.remove(join(root, '0'));
    triggers.remove(join(root, '0'));
    expect(triggers.size).toBe(126);
    expect(opened.slice(1).filter(({ closed }) => closed).map(({ file }) => file)).toEqual([
      join(root, '0/memory.pressure'),
      join(root, '0/cpu.pressure'),
    ]); // prettier-ignore
    settle(triggers);
    expect(triggers.size).toBe(128);
    triggers.close();
    expect(triggers.size).toBe(0);
    expect(opened.every(({ closed }) => closed)).toBe(true);
    settle(triggers);
    expect(triggers.size).toBe(0);
  });

  it('says why there is none where the kernel or the addon gives none, without waiting for a pod to be old enough', () => {
    const refusing = triggersOf(kernel(Infinity).native);
    refusing.add(pod('a'));
    expect(refusing.cause).toBe('no window of 2000000: another kernel');
    const without = triggersOf({ kind: 'missing', cause: 'the native addon was not built', cure: 'build it' });
    without.add(pod('a'));
    settle(without);
    expect(without.cause).toBe('the native addon was not built: build it');
    expect(without.size).toBe(0);
  });
});
