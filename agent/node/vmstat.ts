// /proc/vmstat: the machine's OOM kills (`oom_kill`, since 4.13); the root cgroup has no memory.events.
import { keySet, readFlatKeyed } from '../cgroup/flat-keyed.ts';
import type { Sample } from '../cgroup/sample.ts';

const KEYS = keySet(['oom_kill']);
const values = new Float64Array(1);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseVmstat(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  sample.eventsOomKill = values[0]!;
  return malformed;
}
