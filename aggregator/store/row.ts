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

/** What a row is written from. */
export const STORED_COLUMNS: ReadonlySet<ColumnName> = new Set<ColumnName>([
  'atBootMs',
  'windowUs',
  'cpuWindowUs',
  'workingSetBytes',
  'memoryCurrentBytes',
  'fileBytes',
  'swapBytes',
  'memoryLimitBytes',
  'cpuLimitMillis',
  'cpuPeakMillis',
  'workingSetPeakBytes',
]);

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
  const atBootMs = at(values.atBootMs, row);
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
  // Column by column by its name, not in a loop over names: twelve thousand rows come in a second.
  keep(column.memoryCurrentBytes, slot, at(values.memoryCurrentBytes, row));
  keep(column.fileBytes, slot, at(values.fileBytes, row));
  keep(column.swapBytes, slot, at(values.swapBytes, row));
  keepHighest(column.cpuPeakMillis, slot, at(values.cpuPeakMillis, row));
  keepHighest(column.workingSetPeakBytes, slot, at(values.workingSetPeakBytes, row));
  const memoryLimit = keep(column.memoryLimitBytes, slot, at(values.memoryLimitBytes, row));
  const cpuLimit = keep(column.cpuLimitMillis, slot, at(values.cpuLimitMillis, row));
  return memoryLimit || cpuLimit ? changed | LIMIT_CHANGED : changed;
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
  const windowUs = at(values.windowUs, row);
  const cpuWindowUs = at(values.cpuWindowUs, row);
  const workingSetBytes = at(values.workingSetBytes, row);
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

/** Of what is told anew with each push since the last one that was taken. */
function keepHighest(column: Float64Array, slot: number, value: number): void {
  // Also where nothing is kept yet, which is NaN.
  if (value >= 0 && !(column[slot]! >= value)) column[slot] = value;
}

/** NaN: not read. */
function at(values: Float64Array | undefined, row: number): number {
  return values === undefined ? NaN : values[row]!;
}
