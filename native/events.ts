// Events as the programs lay them down (native/bpf/shared.h): each behind 8 bytes that begin with its length, padded to 8.
// Cgroup ids are inode numbers of cgroup directories: 64 bits, in practice far below 2^53.

interface At {
  readonly cgroupId: number;
  /** CLOCK_BOOTTIME of the event itself. */
  readonly atBootMs: number;
}

export interface MemoryEvent extends At {
  /** memory-alarm: before the limit, need is near it. oom-begin: the kernel looks for a victim. */
  readonly kind: 'memory-alarm' | 'oom-begin';
  readonly usageBytes: number;
  readonly limitBytes: number;
  /** File cache in the cgroup itself: what reclaim can take before anything has to be killed. */
  readonly fileBytes: number;
}

export interface VictimEvent extends At {
  readonly kind: 'oom-victim';
  readonly pid: number;
  readonly anonBytes: number;
  readonly fileBytes: number;
  readonly shmemBytes: number;
}

export interface ThrottleEvent extends At {
  readonly kind: 'throttle';
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly quotaUs: number;
  readonly periodUs: number;
}

export interface LifeEvent extends At {
  readonly kind: 'cgroup-born' | 'cgroup-died';
  readonly parentId: number;
  /** Below the cgroup2 mount, as discovery names it: no slash at either end. */
  readonly path: string;
}

export type KernelEvent = MemoryEvent | VictimEvent | ThrottleEvent | LifeEvent;
export type EventHook = 'memory-alarm' | 'oom-begin' | 'oom-victim' | 'throttle' | 'cgroup-life';

const HEADER_BYTES = 8;
const TWO_32 = 2 ** 32;
const EVENT_WORDS = 12;
const PATH_AT = 32;
const PATH_BYTES = 472;

/** Calls `onEvent` for every whole record among the first `bytes` of the batch. */
export function decodeEvents(
  hook: EventHook,
  batch: ArrayBuffer,
  bytes: number,
  pageBytes: number,
  onEvent: (event: KernelEvent) => void,
): void {
  for (let at = 0; at + HEADER_BYTES <= bytes;) {
    const length = new Uint32Array(batch, at, 1)[0]!;
    const end = at + HEADER_BYTES + length;
    if (end > bytes) return;
    const event = decodeEvent(hook, batch, at + HEADER_BYTES, length, pageBytes);
    if (event) onEvent(event);
    at = (end + 7) & ~7;
  }
}

/** undefined: shorter than an event of that hook is. */
function decodeEvent(
  hook: EventHook,
  batch: ArrayBuffer,
  at: number,
  length: number,
  pageBytes: number,
): KernelEvent | undefined {
  if (length < (hook === 'cgroup-life' ? PATH_AT + PATH_BYTES : EVENT_WORDS * 4)) return undefined;
  const words = new Uint32Array(batch, at, EVENT_WORDS);
  const [cgroupId, atBootMs] = [number64(words, 0), number64(words, 1) / 1e6];
  const value = (index: number): number => number64(words, 2 + index);
  switch (hook) {
    case 'memory-alarm':
    case 'oom-begin':
      return {
        kind: hook,
        cgroupId,
        atBootMs,
        usageBytes: value(0) * pageBytes,
        limitBytes: value(1) * pageBytes,
        fileBytes: value(2) * pageBytes,
      };
    case 'oom-victim':
      return {
        kind: hook,
        cgroupId,
        atBootMs,
        pid: value(0),
        anonBytes: value(1) * pageBytes,
        fileBytes: value(2) * pageBytes,
        shmemBytes: value(3) * pageBytes,
      };
    case 'throttle':
      return {
        kind: hook,
        cgroupId,
        atBootMs,
        periods: value(0),
        throttledPeriods: value(1),
        quotaUs: value(2) / 1000,
        periodUs: value(3) / 1000,
      };
    case 'cgroup-life':
      return {
        kind: words[6] === 1 ? 'cgroup-born' : 'cgroup-died',
        cgroupId,
        atBootMs,
        parentId: number64(words, 2),
        path: pathOf(batch, at, words[7]!),
      };
  }
}

/** @param bytes with the final 0 */
function pathOf(batch: ArrayBuffer, at: number, bytes: number): string {
  const text = Buffer.from(batch, at + PATH_AT, Math.max(0, Math.min(bytes, PATH_BYTES) - 1)).toString();
  return text.replace(/^\//, '');
}

/** The n-th unsigned 64-bit number, little-endian as every machine that eBPF's light skeletons are built for. */
function number64(words: Uint32Array, index: number): number {
  return words[2 * index]! + words[2 * index + 1]! * TWO_32;
}
