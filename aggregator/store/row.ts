// One row of a batch into its slot: the point (all of it or nothing), then the levels that were read.
import type { Batch, ColumnName } from '../../agent/protocol/batch.ts';
import type { Points } from './points.ts';

/** When a batch came in, on this process's clocks. */
export interface Receipt {
  readonly monoMs: number;
  readonly wallMs: number;
}

/** Bits of what a row changed. */
export const POINT_CHANGED = 1;
export const LIMIT_CHANGED = 2;

const LEVELS = ['memoryCurrentBytes', 'fileBytes', 'swapBytes'] as const;
const LIMITS = ['memoryLimitBytes', 'cpuLimitMillis'] as const;
const PEAKS = ['cpuPeakMillis', 'workingSetPeakBytes'] as const;
const POINT = ['atBootMs', 'windowUs', 'cpuWindowUs', 'workingSetBytes'] as const;

/** What a row is written from. */
export const STORED_COLUMNS: ReadonlySet<ColumnName> = new Set([...POINT, ...LEVELS, ...LIMITS, ...PEAKS]);

/**
 * Writes row `row` of the batch unless the slot holds a later one.
 * @param ordinal of the node's epoch that the batch belongs to
 * @returns POINT_CHANGED and LIMIT_CHANGED, or 0
 */
export function writeRow(
  points: Points,
  slot: number,
  batch: Batch,
  row: number,
  ordinal: number,
  receipt: Receipt,
): number {
  const { column } = points;
  const { values } = batch.reports;
  const atBootMs = values.atBootMs?.[row] ?? NaN;
  if (!Number.isFinite(atBootMs)) return 0;
  if (column.epochOrdinal[slot] === ordinal) {
    if (column.sequence[slot]! > batch.sequence) return 0;
    // A retry keeps its number and may have been cut anew.
    if (column.sequence[slot] === batch.sequence && column.levelBootMs[slot]! >= atBootMs) return 0;
  }
  column.epochOrdinal[slot] = ordinal;
  column.sequence[slot] = batch.sequence;
  // Both instants are the agent's CLOCK_BOOTTIME: the age is free of any wall clock's skew.
  const ageMs = Math.max(0, batch.bootTimeMs - atBootMs);
  const changed = writePoint(column, slot, values, row, ageMs, receipt) ? POINT_CHANGED : 0;
  column.levelBootMs[slot] = atBootMs;
  column.levelMonoMs[slot] = receipt.monoMs;
  column.levelWallMs[slot] = receipt.wallMs;
  for (const name of LEVELS) keep(column[name], slot, values[name]?.[row] ?? NaN);
  for (const name of PEAKS) keep(column[name], slot, Math.max(values[name]?.[row] ?? NaN, orZero(column[name][slot]!)));
  let limitChanged = 0;
  for (const name of LIMITS) if (keep(column[name], slot, values[name]?.[row] ?? NaN)) limitChanged = LIMIT_CHANGED;
  return changed | limitChanged;
}

/** A container that was not read twice yet has no rate: the point before it stays, with its own time. */
function writePoint(
  column: Points['column'],
  slot: number,
  values: Batch['reports']['values'],
  row: number,
  ageMs: number,
  receipt: Receipt,
): boolean {
  const windowUs = values.windowUs?.[row] ?? NaN;
  const cpuWindowUs = values.cpuWindowUs?.[row] ?? NaN;
  const workingSetBytes = values.workingSetBytes?.[row] ?? NaN;
  if (!(windowUs > 0 && cpuWindowUs >= 0 && workingSetBytes >= 0)) return false;
  if (!Number.isFinite(windowUs + cpuWindowUs + workingSetBytes)) return false;
  column.pointWallMs[slot] = receipt.wallMs - ageMs;
  column.pointMonoMs[slot] = receipt.monoMs - ageMs;
  column.windowUs[slot] = windowUs;
  column.cpuWindowUs[slot] = cpuWindowUs;
  column.workingSetBytes[slot] = workingSetBytes;
  return true;
}

/** A value that was not read leaves the one before. @returns true when the value is another now */
function keep(column: Float64Array, slot: number, value: number): boolean {
  if (Number.isNaN(value) || value === column[slot]) return false;
  column[slot] = value;
  return true;
}

function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}
