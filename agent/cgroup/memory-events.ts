// memory.events of cgroup v2: counts of what memory.high, memory.max and the OOM killer did, children included.
import { keySet, readFlatKeyed } from './flat-keyed.ts';
import type { Sample } from './sample.ts';

const KEYS = keySet(['high', 'max', 'oom', 'oom_kill']);
const values = new Float64Array(KEYS.keys.length);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseMemoryEvents(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  sample.eventsHigh = values[0]!;
  sample.eventsMax = values[1]!;
  sample.eventsOom = values[2]!;
  sample.eventsOomKill = values[3]!;
  return malformed;
}
