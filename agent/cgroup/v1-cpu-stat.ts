// cpu.stat of the cgroup v1 cpu controller: throttling only, `throttled_time` in ns (Documentation/scheduler/sched-bwc.rst).
import { keySet, readFlatKeyed } from './flat-keyed.ts';
import type { Sample } from './sample.ts';

const KEYS = keySet(['nr_periods', 'nr_throttled', 'throttled_time']);
const values = new Float64Array(KEYS.keys.length);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseV1CpuStat(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  sample.periods = values[0]!;
  sample.throttledPeriods = values[1]!;
  sample.throttledUs = Math.floor(values[2]! / 1000);
  return malformed;
}
