// A ring's slots as they are kept, for spreadsheets and scripts: CSV (RFC 4180) or JSON, oldest first.
import type { Ring, RingSlot } from '../store/ring.ts';
import { oldestAfter } from './series.ts';

const FIELDS = [
  'atBootMs',
  'cpuUsageUs',
  'workingSetBytes',
  'memoryCurrentBytes',
  'neededMemoryBytes',
  'periods',
  'throttledPeriods',
  'cpuSomeMs',
  'memorySomeMs',
  'ioSomeMs',
  'waitMs',
] as const satisfies readonly (keyof RingSlot)[];

/** One line a slot; an empty field was not read. @param sinceBootMs only slots after this instant @param wallMinusBootMs turns instants into wall time for the first column */
export function ringCsv(ring: Ring, sinceBootMs: number, wallMinusBootMs: number): string {
  const lines = [['time', ...FIELDS].join(',')];
  for (const slot of slotsOf(ring, sinceBootMs)) {
    const time = new Date(slot.atBootMs + wallMinusBootMs).toISOString();
    lines.push([time, ...FIELDS.map((name) => (Number.isFinite(slot[name]) ? String(slot[name]) : ''))].join(','));
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** Columns by name; null: not read. @param sinceBootMs only slots after this instant */
export function ringColumns(
  ring: Ring,
  sinceBootMs: number,
): Readonly<Record<(typeof FIELDS)[number], readonly (number | null)[]>> {
  const slots = [...slotsOf(ring, sinceBootMs)];
  const column = (name: (typeof FIELDS)[number]): readonly (number | null)[] =>
    slots.map((slot) => (Number.isFinite(slot[name]) ? slot[name] : null));
  return Object.fromEntries(FIELDS.map((name) => [name, column(name)])) as ReturnType<typeof ringColumns>;
}

function* slotsOf(ring: Ring, sinceBootMs: number): Generator<RingSlot> {
  for (let age = oldestAfter(ring, sinceBootMs); age >= 0; age--) {
    const slot = ring.slot(age);
    if (slot) yield slot;
  }
}
