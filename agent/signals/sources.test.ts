import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { emptyDelays } from '../../native/index.ts';
import type { Attempt, EventHook, Hook, KernelEvent, LifeEvent, Native, SlotHook } from '../../native/index.ts';
import { openHierarchy } from '../cgroup/hierarchy.ts';
import type { Clock } from '../runtime/clock.ts';
import { possibleNodes, SignalSources } from './sources.ts';
import type { Signal } from './signal.ts';

let nowMs: number;
const clock: Clock = { bootTimeMs: () => nowMs, wallTimeMs: () => 0 };
let root: string;
beforeEach(() => {
  nowMs = 1234;
  root = mkdtempSync(join(tmpdir(), 'headroom-sources-'));
  writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory pids io\n');
});
afterEach(() => rmSync(root, { recursive: true }));

function cgroup(path: string): number {
  mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, path, 'memory.events'), 'max 0\n');
  writeFileSync(join(root, path, 'cgroup.events'), 'populated 1\nfrozen 0\n');
  return statSync(join(root, path)).ino;
}

/** Hooks that note what they are told to track; the throttle hook is refused. */
function fakeNative() {
  const tracked = new Map<string, Map<number, number>>();
  const slots = new Uint32Array(1024);
  const emit = new Map<EventHook, (event: KernelEvent) => void>();
  const pressures: string[] = [];
  const hook = (name: Hook['name']): Hook => {
    const ids = new Map<number, number>();
    tracked.set(name, ids);
    return {
      name,
      program: name,
      track: (id, slot) => void ids.set(id, slot),
      untrack: (id) => void ids.delete(id),
      counts: () => ({ sent: 1, limited: 0, dropped: 0 }),
      close: () => ids.clear(),
    };
  };
  const native: Native = {
    bootTimeMs: () => 0,
    threadCpuMs: () => 0,
    lockMemory: () => 0,
    releaseMemory: () => 0,
    readFiles: () => undefined,
    watchEntries: () => 0,
    openEvents(name, _knobs, onEvent) {
      if (name === 'throttle') return { kind: 'missing', cause: 'refused', cure: 'allow it' };
      emit.set(name, onEvent);
      return { kind: 'ready', value: hook(name) };
    },
    openRunQueue: () => ({ kind: 'ready', value: { ...hook('run-queue'), slots } satisfies SlotHook }),
    openSampler: () => ({
      kind: 'ready',
      value: { ...hook('cgroup-sampler'), slots, walk: () => undefined, read: () => false },
    }),
    openPressure(file) {
      pressures.push(file);
      return { kind: 'ready', value: { close: () => undefined } };
    },
  };
  return { native, tracked, slots, emit, pressures };
}

function sources(native: Attempt<Native>): { sources: SignalSources; signals: Signal[]; life: LifeEvent[] } {
  const signals: Signal[] = [];
  const life: LifeEvent[] = [];
  return {
    signals,
    life,
    sources: new SignalSources({
      hierarchy: openHierarchy(root),
      clock,
      onSignal: (signal) => signals.push(signal),
      onLife: (event) => life.push(event),
      native,
      kernel: '7.3.4-cloud-amd64',
    }),
  };
}

describe('SignalSources', () => {
  it('tells the hooks of every cgroup by its inode, and triggers only of pods', () => {
    const { native, tracked, pressures } = fakeNative();
    const all = sources({ kind: 'ready', value: native }).sources;
    const [pod, container] = [cgroup('kubepods/pod1'), cgroup('kubepods/pod1/c')];
    all.track('kubepods/pod1', 'pod');
    all.track('kubepods/pod1/c', 'container');
    for (const ids of tracked.values()) expect([...ids.keys()]).toEqual([pod, container]);
    nowMs += 30_000;
    all.rearm();
    expect(pressures).toEqual(
      ['memory', 'kubepods/pod1/memory', 'kubepods/pod1/cpu'].map((name) => join(root, `${name}.pressure`)),
    );
    all.untrack('kubepods/pod1/c');
    all.untrack('kubepods/pod1/c');
    for (const ids of tracked.values()) expect([...ids.keys()]).toEqual([pod]);
    all.close();
  });

  it('leaves a cgroup to the counters where the kernel has no room for one entry more', () => {
    const { native, tracked } = fakeNative();
    const all = sources({
      kind: 'ready',
      value: {
        ...native,
        openRunQueue: (knobs) => {
          const opened = native.openRunQueue(knobs);
          if (opened.kind === 'missing') return opened;
          const track = (): never => {
            throw Object.assign(new Error('no memory'), { code: 'ENOMEM', step: 'track a cgroup', log: '' });
          };
          return { kind: 'ready', value: { ...opened.value, track } };
        },
      },
    }).sources;
    const id = cgroup('a');
    all.track('a', 'container');
    expect(tracked.get('memory-alarm')!.has(id)).toBe(true);
    all.close();
  });

  it('names the cgroup of an event by its path, and forgets events of cgroups that are gone', () => {
    const { native, emit } = fakeNative();
    const { sources: all, signals, life } = sources({ kind: 'ready', value: native });
    const id = cgroup('a');
    all.track('a', 'container');
    const alarm = { kind: 'memory-alarm', atBootMs: 5, usageBytes: 9, limitBytes: 10, fileBytes: 1 } as const;
    emit.get('memory-alarm')!({ ...alarm, cgroupId: id });
    emit.get('memory-alarm')!({ ...alarm, cgroupId: id + 1 });
    expect(signals).toEqual([{ ...alarm, cgroup: 'a' }]);
    const born: LifeEvent = { kind: 'cgroup-born', cgroupId: 7, parentId: 1, atBootMs: 6, path: 'kubepods/x' };
    emit.get('cgroup-life')!(born);
    expect(life).toEqual([born]);
    all.close();
  });

  it('counts the waits of a cgroup from when it was tracked, in whatever slot', () => {
    const { native, slots, tracked } = fakeNative();
    const all = sources({ kind: 'ready', value: native }).sources;
    const id = cgroup('a');
    slots.set([4, 2], 0); // left by whoever had slot 0 before
    all.track('a', 'container');
    expect(tracked.get('run-queue')!.get(id)).toBe(0);
    slots.set([5, 2], 0);
    const delays = emptyDelays();
    expect(all.delays('a', delays)).toBe(true);
    expect(Array.from(delays.buckets).slice(0, 3)).toEqual([1, 0, 0]);
    expect(all.delays('b', delays)).toBe(false);
    all.untrack('a');
    cgroup('b');
    all.track('b', 'container');
    expect(all.delays('b', delays)).toBe(true);
    expect(delays.buckets.every((count) => count === 0)).toBe(true);
    all.close();
  });

  it('follows memory.events of containers with nothing native at all', async () => {
    const { sources: all, signals } = sources({
      kind: 'missing',
      cause: 'the native addon was not built',
      cure: 'build it',
    });
    cgroup('a');
    all.track('a', 'container');
    writeFileSync(join(root, 'a/memory.events'), 'max 1\n');
    await vi.waitFor(() => expect(signals).toContainEqual({ kind: 'memory-events', cgroup: 'a', atBootMs: 1234 }));
    all.close();
  });

  it('states each missing capability with its cause, its cure and what stands in for it', () => {
    const { native } = fakeNative();
    const some = sources({ kind: 'ready', value: native }).sources;
    expect(some.capabilities.filter(({ available }) => !available)).toEqual([
      {
        name: 'ebpf_throttle',
        available: false,
        cause: 'refused: allow it. throttling is seen in cpu.stat, up to 1 s later',
        shared: 'refused: allow it',
      },
    ]);
    some.close();
    const none = sources({ kind: 'missing', cause: 'the native addon was not built', cure: 'build it' }).sources;
    const missing = none.capabilities.filter(({ available }) => !available);
    expect(missing.map(({ name }) => name)).toEqual([
      'psi_triggers',
      'ebpf_memory_alarm',
      'ebpf_oom_begin',
      'ebpf_oom_victim',
      'ebpf_throttle',
      'ebpf_cgroup_life',
      'ebpf_run_queue',
      'ebpf_cgroup_sampler',
    ]);
    expect(missing.every(({ cause }) => cause.startsWith('the native addon was not built: build it'))).toBe(true);
    expect(new Set(missing.map(({ cause, shared = cause }) => shared)).size).toBe(1);
    none.close();
  });
});

describe('possibleNodes', () => {
  it.each([
    ['0\n', 1],
    ['0-3\n', 4],
    ['0,2\n', 3],
  ])('reads %j as %d', (text, nodes) => {
    mkdirSync(join(root, 'devices/system/node'), { recursive: true });
    writeFileSync(join(root, 'devices/system/node/possible'), text);
    expect(possibleNodes(root)).toBe(nodes);
  });

  it('takes a machine that does not say for one node', () => {
    expect(possibleNodes(join(root, 'nowhere'))).toBe(1);
  });
});
