// One row's ring as columns: rates between neighbouring slots, levels as they are. What was not read is null.
import type { Ring, RingSlot } from '../store/ring.ts';

export interface Series {
  /** Instants, CLOCK_BOOTTIME in ms, oldest first; one entry each in every column. */
  readonly atBootMs: readonly number[];
  readonly columns: { readonly [name in SeriesName]: readonly (number | null)[] };
}

export const SERIES = [
  'cpuMillis',
  'throttledShare', // of the periods of the slot
  'workingSetBytes',
  'memoryCurrentBytes',
  'neededMemoryBytes',
  'cpuSomeShare', // of the time, PSI
  'memorySomeShare',
  'ioSomeShare',
  'waitShare', // of the time, for a CPU, a sum over all tasks: 2 is two that waited all along
] as const;

export type SeriesName = (typeof SERIES)[number];

/** The ring keeps these modulo 2³² − 1 and 2¹⁶ − 1. */
const STALL_WRAP = 0xffff_ffff;
const PERIOD_WRAP = 0xffff;

/** @param sinceBootMs only slots after this instant */
export function seriesOf(ring: Ring, sinceBootMs = -Infinity): Series {
  const atBootMs: number[] = [];
  const columns = Object.fromEntries(SERIES.map((name) => [name, [] as (number | null)[]])) as Record<
    SeriesName,
    (number | null)[]
  >;
  for (let age = oldestAfter(ring, sinceBootMs); age >= 0; age--) {
    const slot = ring.slot(age);
    if (slot === undefined) continue;
    atBootMs.push(slot.atBootMs);
    const figures = figuresOf(slot, ring.slot(age + 1));
    for (const name of SERIES) columns[name].push(finite(figures[name]));
  }
  return { atBootMs, columns };
}

/** The ring keeps instants to 0.1 ms before its newest: a slot that was told is told a little differently later. */
const SAME_SLOT_MS = 1;

export function oldestAfter(ring: Ring, sinceBootMs: number): number {
  let age = -1;
  while (age + 1 < ring.length && ring.atBootMs(age + 1) > sinceBootMs + SAME_SLOT_MS) age++;
  return age;
}

/** NaN where a figure can't be told. */
function figuresOf(slot: RingSlot, before: RingSlot | undefined): Readonly<Record<SeriesName, number>> {
  const spanMs = slot.atBootMs - (before?.atBootMs ?? NaN);
  const share = (now: number, then: number | undefined): number =>
    Math.min(1, risen(now, then ?? NaN, STALL_WRAP) / spanMs);
  const periods = risen(slot.periods, before?.periods ?? NaN, PERIOD_WRAP);
  const throttled = risen(slot.throttledPeriods, before?.throttledPeriods ?? NaN, PERIOD_WRAP);
  return {
    cpuMillis: (slot.cpuUsageUs - (before?.cpuUsageUs ?? NaN)) / spanMs,
    throttledShare: periods === 0 ? 0 : throttled / periods,
    workingSetBytes: slot.workingSetBytes,
    memoryCurrentBytes: slot.memoryCurrentBytes,
    neededMemoryBytes: slot.neededMemoryBytes,
    cpuSomeShare: share(slot.cpuSomeMs, before?.cpuSomeMs),
    memorySomeShare: share(slot.memorySomeMs, before?.memorySomeMs),
    ioSomeShare: share(slot.ioSomeMs, before?.ioSomeMs),
    waitShare: risen(slot.waitMs, before?.waitMs ?? NaN, STALL_WRAP) / spanMs,
  };
}

function risen(now: number, then: number, wrap: number): number {
  const difference = now - then;
  return difference < 0 ? difference + wrap : difference;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
