// What the kernel tells a process that asks natively: eBPF programs, each opened by itself, PSI triggers, and many files in one call. All
// of it is optional: whatever is missing is an answer with its cause and cure, and nothing else stops working.
import { loadAddon } from './addon.ts';
import type { Addon, Handle } from './addon.ts';
import { bpfRefusal, isRefusal, missing, pressureRefusal, whyNoBpf } from './cause.ts';
import type { Attempt, Missing, Rights } from './cause.ts';
import { decodeEvents } from './events.ts';
import type { EventHook, KernelEvent } from './events.ts';
import { HOOKS } from './hooks.ts';
import type { HookName } from './hooks.ts';
import { readRights } from './process-rights.ts';
import { readSample } from './slots.ts';
import type { IteratorSample } from './slots.ts';

export { isRefusal } from './cause.ts';
export type { Attempt, Missing, Rights } from './cause.ts';
export type { EventHook, KernelEvent, LifeEvent, ThrottleEvent } from './events.ts';
export { HOOKS } from './hooks.ts';
export type { HookName } from './hooks.ts';
export { DELAY_BUCKETS, emptyDelays, readDelays } from './slots.ts';
export type { IteratorSample, RunQueueDelays } from './slots.ts';

/** Constants of the programs, by the names they have there; what is left out keeps the program's own. */
export interface Knobs {
  /** memory-alarm: so much of memory.max, without file cache, is near. */
  readonly percent?: number;
  /** Least time between two events of one cgroup, ns. */
  readonly interval_ns?: number;
  /** memory-alarm: least time between two looks at a cgroup's file cache, ns. */
  readonly check_ns?: number;
  /** run-queue: shorter waits are not counted, ns. */
  readonly threshold_ns?: number;
  /** Possible NUMA nodes of this machine; the kernel keeps file cache per node. */
  readonly numa_nodes?: number;
}

export interface HookCounts {
  readonly sent: number;
  /** Held back by the rate limit. */
  readonly limited: number;
  /** Lost: the ring buffer was full. */
  readonly dropped: number;
}

/** A loaded and attached program. Hold on to it: one that is garbage is closed. Close it: it costs CPU time where it is attached. */
export interface Hook {
  readonly name: HookName;
  /** The one of its programs that this kernel took. */
  readonly program: string;
  /** @throws Refusal E2BIG when there are more cgroups than `capacity` */
  track(cgroupId: number, slot: number): void;
  untrack(cgroupId: number): void;
  counts(): HookCounts;
  close(): void;
}

export interface SlotHook extends Hook {
  readonly slots: Uint32Array;
}

export interface SamplerHook extends SlotHook {
  /** Reads every tracked cgroup in one walk; the numbers then lie in the slots. */
  walk(): void;
  /** What the last walk found. @returns false when the cgroup wasn't there */
  read(slot: number, into: IteratorSample): boolean;
}

export interface PressureTrigger {
  close(): void;
}

export interface Native {
  /** CLOCK_BOOTTIME in ms: the clock of the events. */
  bootTimeMs(): number;
  /** As the addon has them (native/addon.ts). */
  readonly threadCpuMs: Addon['threadCpuMs'];
  readonly lockMemory: Addon['lockMemory'];
  readonly releaseMemory: Addon['releaseMemory'];
  readonly readFiles: Addon['readFiles'];
  readonly watchEntries: Addon['watchEntries'];
  openEvents(hook: EventHook, knobs: Knobs, onEvent: (event: KernelEvent) => void): Attempt<Hook>;
  openRunQueue(knobs: Knobs): Attempt<SlotHook>;
  /** @param directory a cgroup2 directory: it and everything below is walked, the true root has no numbers of its own */
  openSampler(directory: string, knobs: Knobs): Attempt<SamplerHook>;
  /**
   * @param stallUs of each window that tasks may be stalled before it fires
   * @param onWake fired, at most once a window; ended: the cgroup is gone and the trigger with it
   */
  openPressure(
    file: string,
    trigger: { readonly kind: 'some' | 'full'; readonly stallUs: number; readonly windowUs: number },
    onWake: (kind: 'fired' | 'ended') => void,
  ): Attempt<PressureTrigger>;
}

/** Events that one turn of the loop takes from a ring; the next turn goes on. */
const BATCH_BYTES = 64 * 1024;

/** @param capacity cgroups that a hook has room for */
export function openNative(
  capacity: number,
  addon: Addon | string = loadAddon(),
  rights: Rights = readRights(),
): Attempt<Native> {
  if (typeof addon === 'string') return missing(addon, 'npm run build:native (needs a C compiler, make and Python)');
  const batch = new ArrayBuffer(BATCH_BYTES);
  const open = (name: HookName, knobs: Knobs, directory: string, onBatch: (bytes: number) => void): Attempt<Loaded> =>
    whyNoBpf(rights) ??
    firstTaken(HOOKS[name].programs, (program) => {
      const handle = addon.openHook(program, { ...knobs }, capacity, directory, batch, onBatch);
      return { hook: hookOf(addon, name, program, handle), handle };
    });
  return {
    kind: 'ready',
    value: {
      bootTimeMs: () => addon.bootTimeMs(),
      threadCpuMs: addon.threadCpuMs,
      lockMemory: addon.lockMemory,
      releaseMemory: addon.releaseMemory,
      readFiles: addon.readFiles,
      watchEntries: addon.watchEntries,
      openEvents(hook, knobs, onEvent) {
        const onBatch = (bytes: number): void => decodeEvents(hook, batch, bytes, addon.pageBytes, onEvent);
        return mapped(open(hook, knobs, '', onBatch), (loaded) => loaded.hook);
      },
      openRunQueue: (knobs) =>
        mapped(open('run-queue', knobs, '', ignore), ({ hook, handle }) => ({
          ...hook,
          slots: new Uint32Array(addon.slots(handle)),
        })),
      openSampler: (directory, knobs) =>
        mapped(open('cgroup-sampler', knobs, directory, ignore), (loaded) => samplerOf(addon, loaded)),
      openPressure: (file, trigger, onWake) => pressureOf(addon, file, trigger, onWake, rights),
    },
  };
}

interface Loaded {
  readonly hook: Hook;
  readonly handle: Handle;
}

function hookOf(addon: Addon, name: HookName, program: string, handle: Handle): Hook {
  return {
    name,
    program,
    track: (cgroupId, slot) => addon.track(handle, cgroupId, slot),
    untrack: (cgroupId) => addon.untrack(handle, cgroupId),
    counts() {
      const [sent, limited, dropped] = addon.counts(handle);
      return { sent, limited, dropped };
    },
    close: () => addon.closeHook(handle),
  };
}

function samplerOf(addon: Addon, { hook, handle }: Loaded): SamplerHook {
  const slots = new Uint32Array(addon.slots(handle));
  let pass = 0;
  return {
    ...hook,
    slots,
    walk: () => addon.walk(handle, ++pass),
    read: (slot, into) => pass > 0 && readSample(slots, slot, pass, addon.pageBytes, into),
  };
}

function pressureOf(
  addon: Addon,
  file: string,
  { kind, stallUs, windowUs }: Parameters<Native['openPressure']>[1],
  onWake: (kind: 'fired' | 'ended') => void,
  rights: Rights,
): Attempt<PressureTrigger> {
  try {
    const trigger = `${kind} ${stallUs} ${windowUs}`;
    const handle = addon.openPressure(file, trigger, (fired) => onWake(fired === 1 ? 'fired' : 'ended'));
    return { kind: 'ready', value: { close: () => addon.closePressure(handle) } };
  } catch (err) {
    if (!isRefusal(err)) throw err;
    return pressureRefusal(err, windowUs, rights);
  }
}

/** The first program that the kernel takes, else why it refused the first: the others only stand in for it. */
function firstTaken(programs: readonly string[], open: (program: string) => Loaded): Attempt<Loaded> {
  let first: Missing | undefined;
  for (const program of programs) {
    try {
      return { kind: 'ready', value: open(program) };
    } catch (err) {
      if (!isRefusal(err)) throw err;
      first ??= bpfRefusal(err);
    }
  }
  return first ?? missing('there is no such program', 'report it');
}

function mapped<T, U>(attempt: Attempt<T>, then: (value: T) => U): Attempt<U> {
  return attempt.kind === 'ready' ? { kind: 'ready', value: then(attempt.value) } : attempt;
}

function ignore(): void {}
