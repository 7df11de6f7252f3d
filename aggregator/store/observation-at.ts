// A slot's columns as one Observation, in the units that a decision works with.
import type { Observation } from './observation.ts';
import type { Points } from './points.ts';

/** Undefined before the first reading. */
export function observationAt(points: Points, slot: number): Observation | undefined {
  const { column } = points;
  if (Number.isNaN(column.levelBootMs[slot]!)) return undefined;
  return {
    atBootMs: column.levelBootMs[slot]!,
    receivedWallMs: column.levelWallMs[slot]!,
    receivedMonoMs: column.levelMonoMs[slot]!,
    cpuMillis: (column.cpuWindowUs[slot]! / column.windowUs[slot]!) * 1000,
    workingSetBytes: column.workingSetBytes[slot]!,
    memoryCurrentBytes: column.memoryCurrentBytes[slot]!,
    fileBytes: column.fileBytes[slot]!,
    memoryLimitBytes: column.memoryLimitBytes[slot]!,
    cpuLimitMillis: column.cpuLimitMillis[slot]!,
  };
}
