// memory.oom_control of cgroup v1; its `oom_kill` line (since 4.13) counts kills in the cgroup itself.
import { keySet, readFlatKeyed } from './flat-keyed.ts';
import type { Sample } from './sample.ts';

const KEYS = keySet(['oom_kill']);
const values = new Float64Array(1);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseV1OomControl(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  sample.eventsOomKill = values[0]!;
  return malformed;
}
