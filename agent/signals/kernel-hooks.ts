// The eBPF programs, each opened by itself at the start, and the cgroups they are told to look at. What the kernel refuses is
// a capability with its cause; the rest works. Nothing is polled: events come through the event loop, histograms lie in shared memory.
import { DELAY_BUCKETS, HOOKS, emptyDelays, isRefusal, readDelays } from '../../native/index.ts';
import type { Attempt, EventHook, Hook, HookCounts, HookName, IteratorSample, KernelEvent, Knobs, Missing, Native, RunQueueDelays, SamplerHook, SlotHook } from '../../native/index.ts'; // prettier-ignore
import type { Capability } from '../cgroup/capabilities.ts';

/** Room in the programs' maps; what comes on top is left to the counters. */
export const MOST_TRACKED = 4096;

const EVENT_HOOKS: readonly EventHook[] = ['memory-alarm', 'oom-begin', 'oom-victim', 'throttle', 'cgroup-life'];

interface Tracked {
  readonly slot: number;
  /** The slot's counts when this cgroup got it. */
  readonly before: RunQueueDelays;
}

export class KernelHooks {
  readonly #hooks: Hook[] = [];
  readonly #capabilities: Capability[] = [];
  readonly #runQueue: SlotHook | undefined;
  #sampler: SamplerHook | undefined;
  readonly #tracked = new Map<number, Tracked>();
  readonly #free: number[] = [];
  #slots = 0;
  #untracked = 0;

  /** @param sampled directory from which the iterator walks; a cause: why it is not to */
  constructor(native: Attempt<Native>, knobs: Knobs, sampled: string | Missing, onEvent: (event: KernelEvent) => void) {
    for (const name of EVENT_HOOKS)
      this.#keep(name, native.kind === 'missing' ? native : native.value.openEvents(name, knobs, onEvent));
    const runQueue = native.kind === 'missing' ? native : native.value.openRunQueue(knobs);
    this.#keep('run-queue', runQueue);
    this.#runQueue = runQueue.kind === 'ready' ? runQueue.value : undefined;
    const sampler = native.kind === 'missing' ? native : typeof sampled === 'string' ? native.value.openSampler(sampled, knobs) : sampled; // prettier-ignore
    this.#keep('cgroup-sampler', sampler);
    this.#sampler = sampler.kind === 'ready' ? sampler.value : undefined;
  }

  /** One a hook, named ebpf_memory_alarm and so on; a missing one says what stands in for it. */
  get capabilities(): readonly Capability[] {
    return this.#capabilities;
  }

  /** Cgroups that found no room. */
  get untracked(): number {
    return this.#untracked;
  }

  has(name: HookName): boolean {
    return this.#hooks.some((hook) => hook.name === name);
  }

  /** @param cgroupId inode of the cgroup's directory on the cgroup2 mount */
  track(cgroupId: number): void {
    if (this.#hooks.length === 0 || this.#tracked.has(cgroupId)) return;
    if (this.#tracked.size >= MOST_TRACKED) {
      this.#untracked++;
      return;
    }
    const slot = this.#free.pop() ?? this.#slots++;
    const before = emptyDelays();
    if (this.#runQueue) readDelays(this.#runQueue.slots, slot, before);
    this.#tracked.set(cgroupId, { slot, before });
    for (const hook of this.#hooks) {
      try {
        hook.track(cgroupId, slot);
      } catch (err) {
        // The kernel has no memory for one entry more: this hook knows nothing of the cgroup, the counters do.
        if (!isRefusal(err)) throw err;
        this.#untracked++;
      }
    }
  }

  untrack(cgroupId: number): void {
    const tracked = this.#tracked.get(cgroupId);
    if (!tracked) return;
    this.#tracked.delete(cgroupId);
    this.#free.push(tracked.slot);
    for (const hook of this.#hooks) hook.untrack(cgroupId);
  }

  /** Waits for a CPU since the cgroup was tracked. @returns false when they are not known */
  delays(cgroupId: number, into: RunQueueDelays): boolean {
    const tracked = this.#tracked.get(cgroupId);
    if (!tracked || !this.#runQueue) return false;
    readDelays(this.#runQueue.slots, tracked.slot, into);
    for (let bucket = 0; bucket < DELAY_BUCKETS; bucket++)
      into.buckets[bucket] = into.buckets[bucket]! - tracked.before.buckets[bucket]!; // wraps as the kernel's counters do
    into.delayMs -= tracked.before.delayMs;
    return true;
  }

  get samples(): boolean {
    return this.#sampler !== undefined;
  }

  /** Reads every tracked cgroup in one go. @throws Refusal */
  walk(): void {
    this.#sampler?.walk();
  }

  /** What the last walk found. @returns false when it did not come by */
  sample(cgroupId: number, into: IteratorSample): boolean {
    const tracked = this.#tracked.get(cgroupId);
    return tracked !== undefined && this.#sampler !== undefined && this.#sampler.read(tracked.slot, into);
  }

  /** The iterator is not used any more. */
  giveUpSampling(cause: string): void {
    const sampler = this.#sampler;
    if (!sampler) return;
    this.#sampler = undefined;
    this.#hooks.splice(this.#hooks.indexOf(sampler), 1);
    sampler.close();
    const name = capabilityName('cgroup-sampler');
    const at = this.#capabilities.findIndex((each) => each.name === name);
    this.#capabilities[at] = { name, available: false, cause: `${cause}. ${HOOKS['cgroup-sampler'].fallback}` };
  }

  /** Events sent, held back and dropped, a hook. */
  counts(): ReadonlyMap<HookName, HookCounts> {
    return new Map(this.#hooks.map((hook) => [hook.name, hook.counts()]));
  }

  close(): void {
    for (const hook of this.#hooks) hook.close();
    this.#hooks.length = 0;
    this.#sampler = undefined;
    this.#tracked.clear();
  }

  #keep(name: HookName, attempt: Attempt<Hook> | Missing): void {
    if (attempt.kind === 'ready') this.#hooks.push(attempt.value);
    if (attempt.kind === 'ready') {
      this.#capabilities.push({ name: capabilityName(name), available: true, cause: '' });
      return;
    }
    const shared = `${attempt.cause}: ${attempt.cure}`;
    const cause = `${shared}. ${HOOKS[name].fallback}`;
    this.#capabilities.push({ name: capabilityName(name), available: false, cause, shared });
  }
}

function capabilityName(name: HookName): string {
  return `ebpf_${name.replaceAll('-', '_')}`;
}
