// A signal: something that the kernel said about one container or pod, before anybody judged it.
import type { KernelEvent, LifeEvent } from '../../native/index.ts';

/** What eBPF says of a tracked cgroup, by path instead of id. */
type FromProgram =
  Exclude<KernelEvent, LifeEvent> extends infer Event
    ? Event extends KernelEvent
      ? Omit<Event, 'cgroupId'>
      : never
    : never;

export type Signal = {
  /** Path below the cgroup2 mount. */
  readonly cgroup: string;
} & (
  | FromProgram
  /** memory.events or memory.events.local changed: at most once in 10 ms, the file says what. */
  | { readonly kind: 'memory-events'; readonly atBootMs: number }
  /** Tasks were stalled for longer than the trigger allows within its window. */
  | { readonly kind: 'stall'; readonly resource: StallResource; readonly atBootMs: number }
);

export type StallResource = 'memory' | 'cpu';
