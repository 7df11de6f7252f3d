// One row of a batch into its slot: the point (all of it or nothing), then the levels that were read.
import type { Batch, ColumnName } from '../../agent/protocol/batch.ts';
import {
  CPU_LIMIT_MILLIS,
  CPU_PEAK_MILLIS,
  CPU_WINDOW_US,
  EPOCH_ORDINAL,
  FILE_BYTES,
  LEVEL_BOOT_MS,
  LEVEL_FIELDS,
  LEVEL_MONO_MS,
  LEVEL_WALL_MS,
  MEMORY_CURRENT_BYTES,
  MEMORY_LIMIT_BYTES,
  POINT_FIELDS,
  POINT_MONO_MS,
  POINT_WALL_MS,
  SEQUENCE,
  SWAP_BYTES,
  WINDOW_US,
  WORKING_SET_BYTES,
  WORKING_SET_PEAK_BYTES,
} from './points.ts';
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
  const { point, level } = points;
  const [ofPoint, ofLevel] = [slot * POINT_FIELDS, slot * LEVEL_FIELDS];
  const { values } = batch.reports;
  const atBootMs = at(values.atBootMs, row);
  if (!Number.isFinite(atBootMs)) return 0;
  if (point[ofPoint + EPOCH_ORDINAL] === ordinal) {
    if (point[ofPoint + SEQUENCE]! > batch.sequence) return 0;
    // A retry keeps its number and may have been cut anew.
    if (point[ofPoint + SEQUENCE] === batch.sequence && level[ofLevel + LEVEL_BOOT_MS]! >= atBootMs) return 0;
  }
  point[ofPoint + EPOCH_ORDINAL] = ordinal;
  point[ofPoint + SEQUENCE] = batch.sequence;
  // Both instants are the agent's CLOCK_BOOTTIME: the age is free of any wall clock's skew.
  const ageMs = Math.max(0, batch.bootTimeMs - atBootMs);
  const changed = writePoint(point, ofPoint, values, row, ageMs, receipt) ? POINT_CHANGED : 0;
  level[ofLevel + LEVEL_BOOT_MS] = atBootMs;
  level[ofLevel + LEVEL_MONO_MS] = receipt.monoMs;
  level[ofLevel + LEVEL_WALL_MS] = receipt.wallMs;
  // Field by field by its name, not in a loop over names: twelve thousand rows come in a second.
  keep(level, ofLevel + MEMORY_CURRENT_BYTES, at(values.memoryCurrentBytes, row));
  keep(level, ofLevel + FILE_BYTES, at(values.fileBytes, row));
  keep(point, ofPoint + SWAP_BYTES, at(values.swapBytes, row));
  keepHighest(level, ofLevel + CPU_PEAK_MILLIS, at(values.cpuPeakMillis, row));
  keepHighest(level, ofLevel + WORKING_SET_PEAK_BYTES, at(values.workingSetPeakBytes, row));
  const memoryLimit = keep(level, ofLevel + MEMORY_LIMIT_BYTES, at(values.memoryLimitBytes, row));
  const cpuLimit = keep(level, ofLevel + CPU_LIMIT_MILLIS, at(values.cpuLimitMillis, row));
  return memoryLimit || cpuLimit ? changed | LIMIT_CHANGED : changed;
}

/** A container that was not read twice yet has no rate: the point before it stays, with its own time. */
function writePoint(
  point: Float64Array,
  of: number,
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
  point[of + POINT_WALL_MS] = receipt.wallMs - ageMs;
  point[of + POINT_MONO_MS] = receipt.monoMs - ageMs;
  point[of + WINDOW_US] = windowUs;
  point[of + CPU_WINDOW_US] = cpuWindowUs;
  point[of + WORKING_SET_BYTES] = workingSetBytes;
  return true;
}

/** A value that was not read leaves the one before. @returns true when the value is another now */
function keep(numbers: Float64Array, index: number, value: number): boolean {
  if (Number.isNaN(value) || value === numbers[index]) return false;
  numbers[index] = value;
  return true;
}

/** Of what is told anew with each push since the last one that was taken. */
function keepHighest(numbers: Float64Array, index: number, value: number): void {
  // Also where nothing is kept yet, which is NaN.
  if (value >= 0 && !(numbers[index]! >= value)) numbers[index] = value;
}

/** NaN: not read. */
function at(values: Float64Array | undefined, row: number): number {
  return values === undefined ? NaN : values[row]!;
}
