// The programs on the running kernel: each loads, attaches and fires, or is refused with a cause that an operator can act on.
import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { emptyDelays, readDelays } from '../../../native/index.ts';
import type { Attempt, EventHook, Hook, IteratorSample, KernelEvent } from '../../../native/index.ts';
import { until } from '../guest/until.ts';
import { HIERARCHY, ownCgroups } from './own-cgroup2.ts';
import { builtNative, ready } from './ready.ts';

const MIB = 2 ** 20;
const CAPACITY = 64;
const WAIT_MS = 10_000;
const EVENT_HOOKS: readonly EventHook[] = ['memory-alarm', 'oom-begin', 'oom-victim', 'throttle', 'cgroup-life'];
const BURN = 'while :; do :; done';

const native = builtNative(CAPACITY);
const cgroups = ownCgroups();
const open: Hook[] = [];

afterEach(async () => {
  for (const hook of open.splice(0)) hook.close();
  await cgroups.clean();
});

function opened<T extends Hook>(attempt: Attempt<T>): T {
  const hook = ready(attempt);
  open.push(hook);
  return hook;
}

/** A hook, and the events that it gave so far. */
function listening(name: EventHook): { hook: Hook; events: KernelEvent[] } {
  const events: KernelEvent[] = [];
  return { hook: opened(native.openEvents(name, {}, (event) => events.push(event))), events };
}

describe('a hook', () => {
  it.each(EVENT_HOOKS)('opens, or says why not: %s', (name) => {
    const attempt = native.openEvents(name, {}, () => undefined);
    if (attempt.kind === 'ready') {
      expect(attempt.value.counts()).toMatchObject({ sent: expect.any(Number), limited: 0, dropped: 0 });
      attempt.value.close();
      expect(() => attempt.value.counts()).toThrow(/closed/);
      return;
    }
    // Function entries may be refused by a policy; what has a tracepoint of its own is there on every kernel that can load anything.
    expect(['memory-alarm', 'oom-begin', 'throttle']).toContain(name);
    expect(attempt.cause).toMatch(/refused \(E\w+\).*policy/);
    expect(attempt.cure).not.toBe('');
  });

  it('takes no more cgroups than it has room for, and any number one after the other', () => {
    const { hook } = listening('oom-victim');
    for (let id = 1; id <= CAPACITY; id++) hook.track(id, 0);
    expect(() => hook.track(CAPACITY + 1, 0)).toThrow(expect.objectContaining({ code: 'E2BIG' }));
    for (let id = 1; id <= CAPACITY; id++) hook.untrack(id);
    for (let id = 1; id <= 20 * CAPACITY; id++) {
      hook.track(id, 0);
      hook.untrack(id);
    }
  });

  it('leaves no descriptor behind', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    for (let round = 0; round < 5; round++) {
      for (const name of EVENT_HOOKS) {
        const attempt = native.openEvents(name, {}, () => undefined);
        if (attempt.kind === 'ready') attempt.value.close();
      }
      ready(native.openRunQueue({})).close();
      ready(native.openSampler(HIERARCHY.root, {})).close();
    }
    expect(await until('the loop to let go', WAIT_MS, () => (descriptors() <= before ? true : undefined))).toBe(true);
  });
});

describe('birth and death of cgroups', () => {
  it('are told in order, with id, parent, path and instant', async () => {
    const { events } = listening('cgroup-life');
    const startMs = native.bootTimeMs();
    const outer = cgroups.make('outer');
    const inner = cgroups.make('inner', outer);
    rmdirSync(inner.directory);
    const ours = (): KernelEvent[] => events.filter((event) => [outer.id, inner.id].includes(event.cgroupId));
    await until('three events', WAIT_MS, () => (ours().length === 3 ? true : undefined));
    expect(ours()).toMatchObject([
      { kind: 'cgroup-born', cgroupId: outer.id, path: outer.path },
      { kind: 'cgroup-born', cgroupId: inner.id, parentId: outer.id, path: inner.path },
      { kind: 'cgroup-died', cgroupId: inner.id, parentId: outer.id, path: inner.path },
    ]);
    const instants = ours().map((event) => event.atBootMs);
    expect(instants.every((each) => each >= startMs && each <= native.bootTimeMs())).toBe(true);
  });

  it('are either told or counted as held back or dropped when thousands come at once', async () => {
    const { hook, events } = listening('cgroup-life');
    const directory = join(HIERARCHY.root, `headroom-test-${process.pid}-storm`);
    const before = hook.counts();
    // Nothing is read meanwhile: the loop is busy here, as under the worst load.
    for (let round = 0; round < 1500; round++) {
      mkdirSync(directory);
      rmdirSync(directory);
    }
    const told = (): number => events.filter((event) => 'path' in event && event.path.endsWith('-storm')).length;
    await until('the ring to run dry', WAIT_MS, () => {
      const { sent } = hook.counts();
      return events.length >= sent - before.sent ? true : undefined;
    });
    expect(hook.counts().dropped).toBeGreaterThan(0);
    const { dropped, limited } = hook.counts();
    expect(told() + dropped + limited).toBeGreaterThanOrEqual(3000);
  });

  it('reach JavaScript while other callbacks throw', async () => {
    const { events } = listening('cgroup-life');
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      opened(
        native.openEvents('cgroup-life', {}, () => {
          throw new Error('a listener’s bug');
        }),
      );
      const { id } = cgroups.make('thrown');
      await until('the event', WAIT_MS, () => events.find((event) => event.cgroupId === id));
      await until('the exception', WAIT_MS, () => thrown[0]);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(String(thrown[0])).toMatch(/a listener’s bug/);
  });
});

describe('the wait for a CPU', () => {
  it('is counted for a tracked cgroup and what lies below it, and for no other', async () => {
    const hook = opened(native.openRunQueue({ threshold_ns: 100_000 }));
    const tracked = cgroups.make('waiting');
    const nested = cgroups.make('nested', tracked);
    const other = cgroups.make('other');
    hook.track(tracked.id, 5);
    for (const cgroup of [nested, nested, other]) cgroups.run(cgroup, 'taskset', '-c', '0', 'sh', '-c', BURN);
    const delays = emptyDelays();
    await until('waits', WAIT_MS, () => {
      readDelays(hook.slots, 5, delays);
      return delays.delayMs > 50 ? true : undefined;
    });
    expect(delays.buckets.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5);
    const untouched = emptyDelays();
    for (const slot of [0, 4, 6]) {
      readDelays(hook.slots, slot, untouched);
      expect(untouched).toEqual(emptyDelays());
    }
  });

  it('agrees with the kernel’s own account of a process', async () => {
    const hook = opened(native.openRunQueue({ threshold_ns: 1 }));
    const cgroup = cgroups.make('accounted');
    const rival = cgroups.make('rival');
    cgroups.run(rival, 'taskset', '-c', '0', 'sh', '-c', BURN);
    const child = cgroups.run(cgroup, 'taskset', '-c', '0', 'sh', '-c', BURN);
    const accountMs = (): number => Number(readFileSync(`/proc/${child.pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6;
    hook.track(cgroup.id, 1);
    const before = accountMs();
    await until('half a second of waiting', WAIT_MS, () => (accountMs() - before > 500 ? true : undefined));
    const delays = emptyDelays();
    readDelays(hook.slots, 1, delays);
    expect(delays.delayMs / (accountMs() - before)).toBeGreaterThan(0.9);
    expect(delays.delayMs / (accountMs() - before)).toBeLessThan(1.1);
  });
});

describe('the victim of an OOM kill', () => {
  const memory = HIERARCHY.path('memory', '');
  const v1 = HIERARCHY.isV1('memory');

  it('is named with its cgroup and its memory', async () => {
    const { hook, events } = listening('oom-victim');
    const cgroup = cgroups.make('victim');
    hook.track(cgroup.id, 0);
    const limits = v1 ? join(memory, `headroom-test-${process.pid}-victim`) : cgroup.directory;
    if (v1) mkdirSync(limits);
    else writeFileSync(join(HIERARCHY.root, 'cgroup.subtree_control'), '+memory');
    try {
      writeFileSync(join(limits, v1 ? 'memory.limit_in_bytes' : 'memory.max'), String(96 * MIB));
      const greedy = 'setTimeout(() => { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)); }, 300)';
      const child = cgroups.run(cgroup, process.execPath, '-e', greedy);
      writeFileSync(join(limits, 'cgroup.procs'), String(child.pid));
      const victim = await until('the kill', WAIT_MS, () => events.find((event) => event.cgroupId === cgroup.id));
      expect(victim).toMatchObject({ kind: 'oom-victim', pid: child.pid });
      if (victim.kind !== 'oom-victim') throw new Error('not a victim');
      expect(victim.anonBytes).toBeGreaterThan(40 * MIB);
      expect(victim.anonBytes).toBeLessThan(120 * MIB);
      await until('the process’s end', WAIT_MS, () => child.signalCode ?? undefined);
    } finally {
      await cgroups.clean();
      if (v1) await until('an empty cgroup', WAIT_MS, () => removed(limits));
    }
  });
});

function removed(directory: string): true | undefined {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return undefined;
  }
}

describe('the iterator', () => {
  it('finds the usage that cpu.stat has, for the tracked alone', async () => {
    const sampler = opened(native.openSampler(HIERARCHY.root, {}));
    const cgroup = cgroups.make('sampled');
    const idle = cgroups.make('idle');
    sampler.track(cgroup.id, 3);
    cgroups.run(cgroup, 'sh', '-c', BURN);
    const usageUs = (): number =>
      Number(/usage_usec (\d+)/.exec(readFileSync(join(cgroup.directory, 'cpu.stat'), 'latin1'))![1]);
    await until('some usage', WAIT_MS, () => (usageUs() > 100_000 ? true : undefined));
    const sample = {} as IteratorSample;
    for (let round = 0; round < 20; round++) {
      const before = usageUs();
      sampler.walk();
      expect(sampler.read(3, sample)).toBe(true);
      expect(sample.cpuUsageUs).toBeGreaterThanOrEqual(before);
      expect(sample.cpuUsageUs).toBeLessThanOrEqual(usageUs());
    }
    expect(sampler.read(4, sample)).toBe(false);
    sampler.track(idle.id, 4);
    sampler.walk();
    expect(sampler.read(4, sample)).toBe(true);
    expect(sample.cpuUsageUs).toBe(0);
    rmdirSync(idle.directory);
    sampler.walk();
    expect(sampler.read(4, sample)).toBe(false);
  });
});
