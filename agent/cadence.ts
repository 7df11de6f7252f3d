// Which file of a cgroup is read when. Pure rules; the sampler follows them.
import { neededMemoryBytes } from './cgroup/sample.ts';
import type { Sample } from './cgroup/sample.ts';
import type { Identity, RowKind } from './protocol/identity.ts';

/** Slow files (memory.stat, io.stat, pids.current, limits…) each so many ticks, staggered by ref. */
const SLOW_TICKS = 5;
/** Pods and slices are sums of what is read each second below them: each fifth tick, their slow files each tenth. */
const SUM_TICKS = 5;
const SUM_SLOW_TICKS = 10;
/** Below this, and without a stall at the last reading, a container's pressure files wait for the slow ones. Stalls are counters: none is lost. */
const IDLE_MILLIS = 2;
/** memory.current may move this much before memory.stat is read again: what is less changes a figure by under 1 %. */
const MOVED_BYTES = 256 * 1024;
const MOVED_SHARE = 0.01;
/** Within reach of its limit: this share is needed, or the growth of the last two readings gets there this soon. */
const REACH_SHARE = 0.7;
const REACH_S = 10;

/** Whether the row is read in this tick at all. */
export function rowDue({ kind, ref }: Identity, tick: number): boolean {
  return isSum(kind) ? (tick + ref) % SUM_TICKS === 0 : true;
}

export function slowDue({ kind, ref }: Identity, tick: number): boolean {
  return (tick + ref) % (isSum(kind) ? SUM_SLOW_TICKS : SLOW_TICKS) === 0;
}

/** Whether the pressure files are read in this tick, beside the slow ones. @param stalled their totals moved at the last reading */
export function pressureDue({ kind }: Identity, cpuMillis: number, stalled: boolean): boolean {
  return kind === 'container' && (stalled || !(cpuMillis < IDLE_MILLIS));
}

function isSum(kind: RowKind): boolean {
  return kind === 'pod' || kind === 'slice';
}

/** What memory.stat was read with. */
export interface MemoryMark {
  currentBytes: number;
  eventsHigh: number;
  eventsMax: number;
  eventsOom: number;
}

/** A mark of nothing read yet; used again for each reading, so that nothing is allocated per second. */
export function neverRead(): MemoryMark {
  return { currentBytes: NaN, eventsHigh: NaN, eventsMax: NaN, eventsOom: NaN };
}

export function markMemory(mark: MemoryMark, sample: Sample): void {
  mark.currentBytes = sample.memoryCurrentBytes;
  mark.eventsHigh = sample.eventsHigh;
  mark.eventsMax = sample.eventsMax;
  mark.eventsOom = sample.eventsOom;
}

/**
 * Memory moved since memory.stat was read: usage changed, or the kernel reclaimed (then cache and need may have changed places
 * under the same memory.current).
 */
export function memoryMoved(sample: Sample, mark: Readonly<MemoryMark>): boolean {
  const { memoryCurrentBytes } = sample;
  if (Number.isNaN(memoryCurrentBytes)) return false;
  const moved = Math.abs(memoryCurrentBytes - mark.currentBytes);
  return (
    !(moved <= Math.max(MOVED_BYTES, memoryCurrentBytes * MOVED_SHARE)) ||
    differs(sample.eventsMax, mark.eventsMax) ||
    differs(sample.eventsHigh, mark.eventsHigh) ||
    differs(sample.eventsOom, mark.eventsOom)
  );
}

/** Whether the container belongs under the ten times closer watch. @param growthBytesPerSecond of its need, from its last two readings */
export function withinReach(sample: Sample, growthBytesPerSecond: number): boolean {
  const limit = sample.memoryLimitBytes;
  if (!(limit > 0 && limit < Infinity)) return false;
  const need = neededMemoryBytes(sample);
  return need > limit * REACH_SHARE || (growthBytesPerSecond > 0 && (limit - need) / growthBytesPerSecond < REACH_S);
}

function differs(now: number, before: number): boolean {
  return now !== before && !(Number.isNaN(now) && Number.isNaN(before));
}
