// The arrays that programs fill and user space maps (native/bpf/shared.h): read without a system call. One cgroup, one slot.
// Two CPUs may write while this reads: every field is whole for itself, a slot need not be.

/** Waits for a CPU: bucket n holds those of at least threshold << n, the last one has no upper end. */
export interface RunQueueDelays {
  readonly buckets: Uint32Array;
  delayMs: number;
}

export const DELAY_BUCKETS = 12;
const RUN_QUEUE_WORDS = 16;
const DELAY_WORD = 12;
const TWO_32 = 2 ** 32;

export function emptyDelays(): RunQueueDelays {
  return { buckets: new Uint32Array(DELAY_BUCKETS), delayMs: 0 };
}

/** Counts since the program was loaded, whoever held the slot before: take differences. */
export function readDelays(slots: Uint32Array, slot: number, into: RunQueueDelays): void {
  const at = slot * RUN_QUEUE_WORDS;
  for (let bucket = 0; bucket < DELAY_BUCKETS; bucket++) into.buckets[bucket] = slots[at + bucket]!;
  into.delayMs = (slots[at + DELAY_WORD]! + slots[at + DELAY_WORD + 1]! * TWO_32) / 1e6;
}

/** One cgroup in the units of its files. NaN: the controller is off. Infinity: max. */
export interface IteratorSample {
  cpuUsageUs: number;
  periods: number;
  throttledPeriods: number;
  throttledUs: number;
  cpuQuotaUs: number;
  cpuPeriodUs: number;
  memoryCurrentBytes: number;
  memoryLimitBytes: number;
  memoryHighBytes: number;
  /** Of this cgroup alone: equal to memory.stat's where nothing is nested below. */
  inactiveFileBytes: number;
  activeFileBytes: number;
  eventsHigh: number;
  eventsMax: number;
  eventsOom: number;
  eventsOomKill: number;
  pids: number;
  swapBytes: number;
}

const SAMPLE_WORDS = 36;
const ALL_BITS = 0xffff_ffff;

/** @returns false when the pass didn't come by: the cgroup is gone, or not tracked */
export function readSample(
  slots: Uint32Array,
  slot: number,
  pass: number,
  pageBytes: number,
  into: IteratorSample,
): boolean {
  const at = slot * SAMPLE_WORDS;
  if (slots[at] !== pass % TWO_32) return false;
  // The order of struct sample_slot. Field by field: by a table of names it takes twice as long as the kernel's walk.
  into.cpuUsageUs = micros(count(slots, at + 2));
  into.periods = count(slots, at + 4);
  into.throttledPeriods = count(slots, at + 6);
  into.throttledUs = micros(count(slots, at + 8));
  into.cpuPeriodUs = micros(count(slots, at + 12));
  into.cpuQuotaUs = limit(micros(count(slots, at + 10)), into.cpuPeriodUs);
  into.memoryCurrentBytes = count(slots, at + 14) * pageBytes;
  into.memoryLimitBytes = limit(count(slots, at + 16) * pageBytes, into.memoryCurrentBytes);
  into.memoryHighBytes = limit(count(slots, at + 18) * pageBytes, into.memoryCurrentBytes);
  into.inactiveFileBytes = count(slots, at + 20) * pageBytes;
  into.activeFileBytes = count(slots, at + 22) * pageBytes;
  into.eventsHigh = count(slots, at + 24);
  into.eventsMax = count(slots, at + 26);
  into.eventsOom = count(slots, at + 28);
  into.eventsOomKill = count(slots, at + 30);
  into.pids = count(slots, at + 32);
  into.swapBytes = count(slots, at + 34) * pageBytes;
  return true;
}

/** NaN for all bits set: absent, or a limit that isn't set. */
function count(slots: Uint32Array, at: number): number {
  const high = slots[at + 1]!;
  return high === ALL_BITS ? NaN : slots[at]! + high * TWO_32;
}

/** The files round nanoseconds down to microseconds. */
function micros(ns: number): number {
  return Math.floor(ns / 1000);
}

/** An unset limit of a controller that is on is Infinity, as the files' "max". */
function limit(value: number, sibling: number): number {
  return Number.isNaN(value) && !Number.isNaN(sibling) ? Infinity : value;
}
