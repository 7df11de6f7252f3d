// A shortage: signals judged by the agent. It says that a container needs more than its limit gives, and how soon.

export type ShortageResource = 'memory' | 'cpu';

export const SHORTAGE_RESOURCES: readonly ShortageResource[] = ['memory', 'cpu'];

/**
 * - `limit-approach`: memory that cannot be reclaimed grows towards memory.max.
 * - `limit-reached`: such memory stands at the limit; or the limit is met, tasks wait, and the page cache taken away for it is missed at once.
 * - `throttled`: CFS throttled a large share of the periods.
 */
export type ShortageKind = 'limit-approach' | 'limit-reached' | 'throttled';

/** The order is the wire's: new kinds go to the end. */
export const SHORTAGE_KINDS: readonly ShortageKind[] = ['limit-approach', 'limit-reached', 'throttled'];

export interface Shortage {
  /** The container's row in the batch's epoch. */
  readonly ref: number;
  readonly resource: ShortageResource;
  readonly kind: ShortageKind;
  /** When the agent judged it, CLOCK_BOOTTIME in ms. */
  readonly raisedBootMs: number;
  /** Until the kernel kills or the throttling costs a whole period; 0 when it is already so; Infinity when it would never be. */
  readonly secondsToHarm: number;
  /** What can't be reclaimed, bytes (memory), or CPU used, millicores (cpu). */
  readonly need: number;
  /** The limit in force, bytes or millicores. */
  readonly limit: number;
  /** Growth of `need` per second (bytes/s), or the share of throttled periods (0..1) for cpu. */
  readonly rate: number;
  /** How long `need` is expected to go on growing at this pace; left out: an earlier agent, or nothing of it is judged (cpu, stalls). */
  readonly secondsOfGrowth?: number;
}
