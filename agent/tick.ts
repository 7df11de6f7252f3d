// The 1 s tick: due at start + n · 1000 ms on the monotonic clock, cut into slots, slots into slices of a third of a millisecond.
// A slice that spends its budget yields to the event loop, so that signals and sockets are served in between. Slots without work are
// slept through: each wake-up of an idle machine finds its caches cold, and costs up to a millisecond.
import { performance } from 'node:perf_hooks';

export const TICK_MS = 1000;
/** Rows under close watch are read in each, 10 times a second. */
export const SLOTS = 10;
const SLOT_MS = TICK_MS / SLOTS;
/** A slice ends after the step that passes this: it leaves room for one more step below 1 ms, with cold caches too. */
const SLICE_BUDGET_MS = 0.3;

/** What a tick does, in steps of some tens of microseconds. */
export interface TickWork {
  begin(tick: number): void;
  /** Whether the slot has work, as far as is known before it; the first is always worked through. */
  wants(slot: number): boolean;
  /** One step of the slot; false when the slot has none left. */
  step(slot: number): boolean;
  endSlot(slot: number): void;
  end(figures: TickFigures): void;
}

export interface TickFigures {
  /** Time spent in slices during this tick. */
  readonly busyMs: number;
  readonly maxSliceMs: number;
  /** The longest slice by the thread's own CPU time: collection of garbage counts, preemption does not. NaN where nothing tells it. */
  readonly maxSliceCpuMs: number;
  /** Ticks left out before this one because it came late. */
  readonly skipped: number;
}

/** Timers of the process, or a test's. */
export interface Timers {
  monotonicMs(): number;
  /** CPU time of this thread. */
  readonly threadCpuMs?: (() => number) | undefined;
  /** @returns a function that cancels */
  after(delayMs: number, run: () => void): () => void;
  soon(run: () => void): () => void;
}

export const systemTimers: Timers = {
  monotonicMs: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

export class Tick {
  readonly #work: TickWork;
  readonly #timers: Timers;
  #startMs = 0;
  #tick = 0;
  #slot = 0;
  /** While asleep, the slot that is waited for; SLOTS: the next tick. */
  #asleep = false;
  #skipped = 0;
  #busyMs = 0;
  #maxSliceMs = 0;
  #maxSliceCpuMs = 0;
  #cancel: () => void = () => {};

  constructor(work: TickWork, timers: Timers = systemTimers) {
    this.#work = work;
    this.#timers = timers;
  }

  start(): void {
    this.#startMs = this.#timers.monotonicMs();
    this.#cancel = this.#timers.soon(() => this.#beginTick());
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
    this.#asleep = false;
  }

  /** There is work that was not known of: the next slot takes it, though it was to be slept through. */
  wake(): void {
    if (!this.#asleep) return;
    const next = Math.floor((this.#sinceStartMs() - this.#tick * TICK_MS) / SLOT_MS) + 1;
    if (next >= this.#slot) return;
    this.#cancel();
    this.#sleepUntil(next);
  }

  /** @param ended figures of the tick before; none before the first */
  #beginTick(ended?: TickFigures): void {
    this.#slot = 0;
    this.#busyMs = 0;
    this.#maxSliceMs = 0;
    this.#maxSliceCpuMs = 0;
    this.#runSlice(() => {
      if (ended) this.#work.end(ended);
      this.#work.begin(this.#tick);
    });
  }

  #runSlice(first?: () => void): void {
    const beganMs = this.#timers.monotonicMs();
    const beganCpuMs = this.#threadCpuMs();
    first?.();
    let more = true;
    let spentMs = 0;
    while (more && spentMs < SLICE_BUDGET_MS) {
      more = this.#work.step(this.#slot);
      spentMs = this.#timers.monotonicMs() - beganMs;
    }
    if (!more) this.#work.endSlot(this.#slot);
    const tookMs = this.#timers.monotonicMs() - beganMs;
    this.#busyMs += tookMs;
    this.#maxSliceMs = Math.max(this.#maxSliceMs, tookMs);
    this.#maxSliceCpuMs = Math.max(this.#maxSliceCpuMs, this.#threadCpuMs() - beganCpuMs);
    if (more) this.#cancel = this.#timers.soon(() => this.#runSlice());
    else this.#nextSlot();
  }

  #nextSlot(): void {
    let slot = this.#slot + 1;
    while (slot < SLOTS && !this.#work.wants(slot)) slot++;
    this.#sleepUntil(slot);
  }

  #sleepUntil(slot: number): void {
    this.#slot = slot;
    this.#asleep = true;
    this.#at(this.#tick * TICK_MS + slot * SLOT_MS, () => {
      this.#asleep = false;
      if (slot < SLOTS) this.#runSlice();
      else this.#nextTick();
    });
  }

  /** The next tick that is not a whole tick late already: late work, and a timer that fires late, is left out and never piled up. */
  #nextTick(): void {
    const [busyMs, maxSliceMs, maxSliceCpuMs] = [this.#busyMs, this.#maxSliceMs, this.#maxSliceCpuMs];
    const ended = { busyMs, maxSliceMs, maxSliceCpuMs, skipped: this.#skipped };
    const nowTick = Math.floor(this.#sinceStartMs() / TICK_MS);
    this.#skipped = Math.max(0, nowTick - (this.#tick + 1));
    this.#tick = Math.max(this.#tick + 1, nowTick);
    this.#beginTick(ended);
  }

  #threadCpuMs(): number {
    return this.#timers.threadCpuMs?.() ?? NaN;
  }

  #sinceStartMs(): number {
    return this.#timers.monotonicMs() - this.#startMs;
  }

  #at(offsetMs: number, run: () => void): void {
    const delayMs = offsetMs - this.#sinceStartMs();
    this.#cancel = delayMs > 0 ? this.#timers.after(delayMs, run) : this.#timers.soon(run);
  }
}
