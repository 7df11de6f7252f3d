// memory.stat of cgroup v1 (Documentation/admin-guide/cgroup-v1/memory.rst §5.2): the `total_` lines include the children, as v2's do.
// `total_swap` is there only with swap accounting.
import { keySet, readFlatKeyed } from './flat-keyed.ts';
import type { Sample } from './sample.ts';

const KEYS = keySet(['total_rss', 'total_shmem', 'total_inactive_file', 'total_active_file', 'total_swap']);
const values = new Float64Array(KEYS.keys.length);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseV1MemoryStat(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  sample.anonBytes = values[0]!;
  sample.shmemBytes = values[1]!;
  sample.inactiveFileBytes = values[2]!;
  sample.activeFileBytes = values[3]!;
  sample.swapBytes = values[4]!;
  return malformed;
}
