// A slot's numbers as one Observation, in the units that a decision works with.
import type { Observation } from './observation.ts';
import {
  CPU_LIMIT_MILLIS,
  CPU_WINDOW_US,
  FILE_BYTES,
  LEVEL_BOOT_MS,
  LEVEL_FIELDS,
  LEVEL_MONO_MS,
  LEVEL_WALL_MS,
  MEMORY_CURRENT_BYTES,
  MEMORY_LIMIT_BYTES,
  POINT_FIELDS,
  WINDOW_US,
  WORKING_SET_BYTES,
} from './points.ts';
import type { Points } from './points.ts';

/** Undefined before the first reading. */
export function observationAt({ point, level }: Points, slot: number): Observation | undefined {
  const [ofPoint, ofLevel] = [slot * POINT_FIELDS, slot * LEVEL_FIELDS];
  if (Number.isNaN(level[ofLevel + LEVEL_BOOT_MS]!)) return undefined;
  return {
    atBootMs: level[ofLevel + LEVEL_BOOT_MS]!,
    receivedWallMs: level[ofLevel + LEVEL_WALL_MS]!,
    receivedMonoMs: level[ofLevel + LEVEL_MONO_MS]!,
    cpuMillis: (point[ofPoint + CPU_WINDOW_US]! / point[ofPoint + WINDOW_US]!) * 1000,
    workingSetBytes: point[ofPoint + WORKING_SET_BYTES]!,
    memoryCurrentBytes: level[ofLevel + MEMORY_CURRENT_BYTES]!,
    fileBytes: level[ofLevel + FILE_BYTES]!,
    memoryLimitBytes: level[ofLevel + MEMORY_LIMIT_BYTES]!,
    cpuLimitMillis: level[ofLevel + CPU_LIMIT_MILLIS]!,
  };
}
