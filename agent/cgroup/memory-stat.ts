// memory.stat of cgroup v2, in bytes (cgroup-v2.rst, "Memory Interface Files"). The dearest file: reading it flushes the kernel's per-CPU statistics.
import { keySet, readFlatKeyed } from './flat-keyed.ts';
import type { Sample } from './sample.ts';

const KEYS = keySet([
  'anon',
  'shmem',
  'inactive_file',
  'active_file',
  'workingset_activate_file',
  'workingset_restore_file',
]);
const values = new Float64Array(KEYS.keys.length);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseMemoryStat(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  sample.anonBytes = values[0]!;
  sample.shmemBytes = values[1]!;
  sample.inactiveFileBytes = values[2]!;
  sample.activeFileBytes = values[3]!;
  // The old lists count a page that was worked with as activated, the multi-generational LRU one that was read (not mapped) as restored.
  sample.hotRefaultsFile = values[4]! + values[5]!;
  return malformed;
}
