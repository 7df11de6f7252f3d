// The 1 s tick: due at start + n · 1000 ms on the monotonic clock, cut into slots, slots into slices of about half a millisecond.
// A slice that spends its budget yields to the event loop, so that signals and sockets are served in between.
import { performance } from 'node:perf_hooks';

export const TICK_MS = 1000;
/** Each 100 ms a share of the rows, and the rows under close watch. Fewer, longer slots find the caches warm, more spread better. */
export const SLOTS = 10;
const SLOT_MS = TICK_MS / SLOTS;
/** A slice ends after the step that passes this: it leaves room for one more step below 1 ms. */
const SLICE_BUDGET_MS = 0.5;

/** What a tick does, in steps of some tens of microseconds. */
export interface TickWork {
  begin(tick: number): void;
  /** One step of the slot; false when the slot has none left. */
  step(slot: number): boolean;
  endSlot(slot: number): void;
  end(figures: TickFigures): void;
}

export interface TickFigures {
  /** Time spent in slices during this tick. */
  readonly busyMs: number;
  readonly maxSliceMs: number;
  /** Ticks left out before this one because it came late. */
  readonly skipped: number;
}

/** Timers of the process, or a test's. */
export interface Timers {
  monotonicMs(): number;
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
  #skipped = 0;
  #busyMs = 0;
  #maxSliceMs = 0;
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
  }

  #beginTick(): void {
    this.#slot = 0;
    this.#busyMs = 0;
    this.#maxSliceMs = 0;
    this.#work.begin(this.#tick);
    this.#runSlice();
  }

  #runSlice(): void {
    const beganMs = this.#timers.monotonicMs();
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
    if (more) this.#cancel = this.#timers.soon(() => this.#runSlice());
    else this.#nextSlot();
  }

  #nextSlot(): void {
    this.#slot++;
    if (this.#slot < SLOTS) {
      this.#at(this.#tick * TICK_MS + this.#slot * SLOT_MS, () => this.#runSlice());
      return;
    }
    this.#work.end({ busyMs: this.#busyMs, maxSliceMs: this.#maxSliceMs, skipped: this.#skipped });
    // The next tick that is not a whole tick late already: late work is left out, never piled up.
    const nowTick = Math.floor((this.#timers.monotonicMs() - this.#startMs) / TICK_MS);
    this.#skipped = Math.max(0, nowTick - (this.#tick + 1));
    this.#tick = Math.max(this.#tick + 1, nowTick);
    this.#at(this.#tick * TICK_MS, () => this.#late(() => this.#beginTick()));
  }

  /** The timer itself may fire late (a busy or suspended machine). */
  #late(begin: () => void): void {
    const nowTick = Math.floor((this.#timers.monotonicMs() - this.#startMs) / TICK_MS);
    if (nowTick > this.#tick) {
      this.#skipped += nowTick - this.#tick;
      this.#tick = nowTick;
    }
    begin();
  }

  #at(offsetMs: number, run: () => void): void {
    const delayMs = this.#startMs + offsetMs - this.#timers.monotonicMs();
    this.#cancel = delayMs > 0 ? this.#timers.after(delayMs, run) : this.#timers.soon(run);
  }
}
