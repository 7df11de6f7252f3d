// cpu.stat of cgroup v2: usage always, throttling only where the cpu controller is enabled (cgroup-v2.rst, "CPU Interface Files").
import { keySet, readFlatKeyed } from './flat-keyed.ts';
import type { Sample } from './sample.ts';

const KEYS = keySet(['usage_usec', 'user_usec', 'system_usec', 'nr_periods', 'nr_throttled', 'throttled_usec']);
const values = new Float64Array(KEYS.keys.length);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseCpuStat(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  sample.cpuUsageUs = values[0]!;
  sample.cpuUserUs = values[1]!;
  sample.cpuSystemUs = values[2]!;
  sample.periods = values[3]!;
  sample.throttledPeriods = values[4]!;
  sample.throttledUs = values[5]!;
  return malformed;
}
