import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { EventHook, Hook, KernelEvent, Native } from '../native/index.ts';
import { fakeCgroup } from '../test/fakes/fake-node.ts';
import { openHierarchy } from './cgroup/hierarchy.ts';
import { SignalLog } from './debug/signal-log.ts';
import { createKernelSignals } from './kernel-signals.ts';
import type { KernelSignals, KernelSignalsParts } from './kernel-signals.ts';
import { Roster } from './store/roster.ts';
import type { Row } from './store/row.ts';
import { systemClock } from './runtime/clock.ts';
import { silentLogger } from './runtime/logger.ts';

const MIB = 2 ** 20;
const PATH = 'kubepods/pod1/c1';
const made: { readonly folder: string; readonly kernel: KernelSignals }[] = [];

afterEach(() => {
  for (const { folder, kernel } of made.splice(0)) {
    kernel.close();
    rmSync(folder, { recursive: true });
  }
});

/** @param closely whether the sampler has room to read it ten times a second */
function setUp(more: Partial<KernelSignalsParts> = {}, closely = true) {
  const folder = mkdtempSync(join(tmpdir(), 'headroom-signals-'));
  writeFileSync(join(folder, 'cgroup.controllers'), 'cpu memory\n');
  const directory = join(folder, PATH);
  mkdirSync(directory, { recursive: true });
  const say = (max: number): void =>
    writeFileSync(join(directory, 'memory.events'), `low 0\nhigh 0\nmax ${max}\noom 0\noom_kill 0\n`);
  say(0);
  const clock = systemClock();
  const roster = new Roster({ clock, log: silentLogger, cpus: 2, open: () => fakeCgroup().files });
  const found = {
    kind: 'container',
    podUid: 'p',
    containerId: 'c',
    qos: '',
    startWallMs: NaN,
    path: PATH,
    inode: 1,
  } as const;
  const row = roster.add(found, false);
  const attended: Row[] = [];
  const words: (string | undefined)[] = [];
  const signals = new SignalLog();
  const hierarchy = openHierarchy(folder);
  const attend: KernelSignalsParts['attend'] = (each, said) => {
    attended.push(each);
    words.push(said);
    return closely ? 'tick' : 'soon';
  };
  const kernel = createKernelSignals({ hierarchy, clock, roster, signals, attend, ...more });
  made.push({ folder, kernel });
  kernel.found(found);
  return { folder, clock, kernel, roster, say, row, attended, words, signals, directory };
}

/** Programs that a test makes speak. */
function listeningNative(emit: Map<EventHook, (event: KernelEvent) => void>): Native {
  const hook = (name: Hook['name']): Hook => ({
    name,
    program: name,
    track: () => undefined,
    untrack: () => undefined,
    counts: () => ({ sent: 0, limited: 0, dropped: 0 }),
    close: () => undefined,
  });
  const missing = { kind: 'missing', cause: 'not in this test', cure: '' } as const;
  return {
    bootTimeMs: () => 0,
    threadCpuMs: () => 0,
    lockMemory: () => 0,
    releaseMemory: () => 0,
    readFiles: () => undefined,
    watchEntries: () => 0,
    openEvents(name, _knobs, onEvent) {
      emit.set(name, onEvent);
      return { kind: 'ready', value: hook(name) };
    },
    openRunQueue: () => missing,
    openSampler: () => missing,
    openPressure: () => missing,
  };
}

describe('kernel signals', () => {
  it('have a container read at once when its memory.events change, and show the signal', async () => {
    const { kernel, say, row, attended, signals } = setUp();
    say(1);
    await expect.poll(() => attended.length, { timeout: 5000 }).toBe(1);
    expect(attended[0]).toBe(row);
    expect(kernel.counts.get('memory-events')).toBeGreaterThan(0);
    expect(signals.entries()).toMatchObject([{ kind: 'memory-events', ref: row?.identity.ref, resource: 'memory' }]);
  });

  it('hear of a storm once until the next tick, show it as one line, and read the container ten times a second at most', async () => {
    const { kernel, say, attended, signals } = setUp();
    const heard = (): number => kernel.counts.get('memory-events') ?? 0;
    const beganMs = performance.now();
    let max = 0;
    while (heard() === 0) {
      say(++max);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (let more = 0; more < 100; more++) {
      say(++max);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([heard(), attended.length]).toEqual([1, 1]);
    for (let tick = 2; tick <= 6; tick++) {
      kernel.rearm();
      say(++max);
      await expect.poll(heard, { timeout: 5000, interval: 1 }).toBe(tick);
    }
    expect(attended.length).toBeLessThanOrEqual(1 + (performance.now() - beganMs) / 100);
    expect(signals.entries()).toHaveLength(1);
  });

  it('are heard again soon where there is no room for the close watch, and with the next tick where there is', async () => {
    for (const closely of [false, true]) {
      const { kernel, say } = setUp({}, closely);
      const heard = (): number => kernel.counts.get('memory-events') ?? 0;
      let max = 0;
      const sayUntil = async (count: number): Promise<void> => {
        for (const endMs = performance.now() + 1500; heard() < count && performance.now() < endMs;) {
          say(++max);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      };
      await sayUntil(1);
      expect(heard()).toBe(1);
      await sayUntil(3);
      expect(heard()).toBe(closely ? 1 : 3);
    }
  });

  it('hand the kernel’s word on at once, from its program to the judge, and tell how late it came', () => {
    const delays: [string, number][] = [];
    const emit = new Map<EventHook, (event: KernelEvent) => void>();
    const native = listeningNative(emit);
    const { clock, row, attended, words, signals, directory } = setUp({
      native: { kind: 'ready', value: native },
      onSignal: (kind, delayMs) => delays.push([kind, delayMs]),
    });
    row!.sample.memoryLimitBytes = 64 * MIB;
    const event = {
      cgroupId: statSync(directory).ino,
      atBootMs: clock.bootTimeMs() - 5, // two clocks may lie some milliseconds apart
      usageBytes: 60 * MIB,
      fileBytes: 0,
    };
    emit.get('memory-alarm')!({ ...event, kind: 'memory-alarm', limitBytes: 64 * MIB });
    emit.get('oom-begin')!({ ...event, kind: 'oom-begin', limitBytes: 64 * MIB });
    emit.get('oom-begin')!({ ...event, kind: 'oom-begin', limitBytes: 32 * MIB }); // one that the container set below itself
    expect(attended).toEqual([row, row, row]);
    expect(words).toEqual(['alarm', 'oom', undefined]);
    expect(signals.entries().map(({ kind }) => kind)).toEqual(['memory-alarm', 'oom-begin']);
    expect(delays.map(([kind]) => kind)).toEqual(['memory-alarm', 'oom-begin', 'oom-begin']);
    for (const [, delayMs] of delays) expect(delayMs).toBeGreaterThanOrEqual(4);
  });

  it.each([
    ['alone in the pod', { neighbour: 1, limit: Infinity }, true],
    ['beside one that holds half of it', { neighbour: 32, limit: Infinity }, false],
    ['beside one of the same limit', { neighbour: 1, limit: 64 }, false],
  ])(
    'hand on that a pod is out of memory for the container whose limit is the pod’s, %s',
    (_, { neighbour, limit }, is) => {
      const emit = new Map<EventHook, (event: KernelEvent) => void>();
      const native = { kind: 'ready', value: listeningNative(emit) } as const;
      const { folder, clock, kernel, roster, row, attended, words } = setUp({ native });
      const found = { podUid: 'p', containerId: '', qos: '', startWallMs: NaN, inode: 1 } as const;
      const pod = { ...found, kind: 'pod', path: 'kubepods/pod1' } as const;
      roster.add(pod, false);
      kernel.found(pod);
      const beside = roster.add({ ...found, kind: 'container', containerId: 'd', path: 'kubepods/pod1/d' }, false);
      row!.sample.memoryLimitBytes = 64 * MIB;
      Object.assign(beside!.sample, { memoryLimitBytes: limit * MIB, memoryCurrentBytes: neighbour * MIB });
      emit.get('oom-begin')!({
        kind: 'oom-begin',
        cgroupId: statSync(join(folder, 'kubepods/pod1')).ino,
        atBootMs: clock.bootTimeMs(),
        usageBytes: 64 * MIB,
        limitBytes: 64 * MIB,
        fileBytes: 0,
      });
      expect(attended.includes(row!)).toBe(is);
      expect(words.includes('oom')).toBe(is);
    },
  );

  it('never become more work than so many readings a second, however many containers the kernel speaks of', () => {
    const emit = new Map<EventHook, (event: KernelEvent) => void>();
    const { attended, directory } = setUp({ native: { kind: 'ready', value: listeningNative(emit) } });
    const cgroupId = statSync(directory).ino;
    for (let at = 0; at < 5000; at++)
      emit.get('memory-alarm')!({
        kind: 'memory-alarm',
        cgroupId,
        atBootMs: at / 10,
        usageBytes: 1,
        limitBytes: 1,
        fileBytes: 0,
      });
    expect(attended.length).toBe(400);
  });

  it('say what is missing, with the cause, and go on without it', () => {
    const { kernel } = setUp();
    const missing = kernel.capabilities().filter(({ available }) => !available);
    expect(missing.length).toBeGreaterThan(0);
    for (const { name, cause } of missing) expect([name, cause]).not.toEqual([name, '']);
  });
});
