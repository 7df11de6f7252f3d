// memory.stat of cgroup2's root, where there is no memory.current: usage = anon + file, as the kubelet has it.
import { keySet, readFlatKeyed } from '../cgroup/flat-keyed.ts';
import { parseMemoryStat } from '../cgroup/memory-stat.ts';
import type { Sample } from '../cgroup/sample.ts';

const KEYS = keySet(['anon', 'file']);
const values = new Float64Array(KEYS.keys.length);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseRootMemoryStat(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = parseMemoryStat(buffer, length, sample);
  readFlatKeyed(buffer, length, KEYS, values);
  sample.memoryCurrentBytes = values[0]! + values[1]!;
  return malformed;
}
