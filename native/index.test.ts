import { describe, expect, it } from 'vitest';
import { loadAddon } from './addon.ts';
import type { Addon, Handle } from './addon.ts';
import { openNative } from './index.ts';
import type { Attempt, Native, Rights } from './index.ts';

const ABLE: Rights = { capabilities: (1n << 38n) | (1n << 39n), btf: true, kernel: '6.12.0' };
const KNOBS = {};

/** Takes the programs named, refuses the others with a code; remembers what was asked. */
function fakeAddon(taken: readonly string[], code = 'EINVAL') {
  const asked: string[] = [];
  const refused = (step: string): Error => Object.assign(new Error(code), { code, step, log: '' });
  const addon: Addon = {
    abi: 3,
    pageBytes: 4096,
    bootTimeMs: () => 1,
    threadCpuMs: () => 0,
    lockMemory: () => 0,
    releaseMemory: () => 0,
    readFiles: () => undefined,
    watchEntries: () => 0,
    openHook(name) {
      asked.push(name);
      if (!taken.includes(name)) throw refused('load its programs');
      return {} as Handle;
    },
    track: () => undefined,
    untrack: () => undefined,
    counts: () => [3, 2, 1],
    slots: () => new ArrayBuffer(64),
    walk: () => undefined,
    closeHook: () => undefined,
    openPressure: () => {
      throw refused('set the trigger');
    },
    closePressure: () => undefined,
  };
  return { addon, asked };
}

function native(addon: Addon, rights = ABLE): Native {
  const attempt: Attempt<Native> = openNative(16, addon, rights);
  if (attempt.kind === 'missing') throw new Error(attempt.cause);
  return attempt.value;
}

describe('openNative', () => {
  it('answers with cause and cure where the addon was not built', () => {
    expect(openNative(16, loadAddon(['nowhere/headroom.node']))).toMatchObject({
      kind: 'missing',
      cause: 'the native addon was not built',
      cure: expect.stringContaining('npm run build:native'),
    });
  });

  it('takes no file for an addon that is none', () => {
    expect(loadAddon(['index.test.ts'])).toMatch(/can't be loaded/);
  });

  it('opens the program that stands in where the kernel refuses the first', () => {
    const { addon, asked } = fakeAddon(['oom_victim_fentry']);
    const opened = native(addon).openEvents('oom-victim', KNOBS, () => undefined);
    expect(asked).toEqual(['oom_victim', 'oom_victim_fentry']);
    expect(opened).toMatchObject({ kind: 'ready', value: { program: 'oom_victim_fentry' } });
    if (opened.kind === 'ready') expect(opened.value.counts()).toEqual({ sent: 3, limited: 2, dropped: 1 });
  });

  it('says why the first was refused when all are', () => {
    const opened = native(fakeAddon([], 'EPERM').addon).openRunQueue(KNOBS);
    expect(opened).toMatchObject({ kind: 'missing', cause: expect.stringContaining('EPERM') });
  });

  it('asks the kernel nothing without the capabilities', () => {
    const { addon, asked } = fakeAddon(['throttle']);
    const opened = native(addon, { ...ABLE, capabilities: 0n }).openEvents('throttle', KNOBS, () => undefined);
    expect(opened).toMatchObject({ kind: 'missing', cause: 'the process lacks CAP_BPF and CAP_PERFMON' });
    expect(asked).toEqual([]);
  });

  it('sets a trigger without BTF and without those capabilities, and says why the kernel took it not', () => {
    const { openPressure } = native(fakeAddon([], 'EROFS').addon, { ...ABLE, btf: false, capabilities: 0n });
    const trigger = { kind: 'some', stallUs: 1e5, windowUs: 2e6 } as const;
    expect(openPressure('/x/cpu.pressure', trigger, () => undefined)).toMatchObject({
      kind: 'missing',
      cause: 'the cgroup mount is read-only',
    });
  });

  it('lets a bug be one', () => {
    const { addon } = fakeAddon([]);
    const broken: Addon = {
      ...addon,
      openHook: () => {
        throw new TypeError('not a string');
      },
    };
    expect(() => native(broken).openRunQueue(KNOBS)).toThrow(TypeError);
  });
});
