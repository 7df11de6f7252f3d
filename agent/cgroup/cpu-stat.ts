// cpu.stat of cgroup v2: usage always, throttling only where the cpu controller is enabled (cgroup-v2.rst, "CPU Interface Files").
import { keySet, readFlatKeyed } from './flat-keyed.ts';
import type { Sample } from './sample.ts';

const USAGE = ['usage_usec', 'user_usec', 'system_usec'];
const USAGE_KEYS = keySet(USAGE);
const KEYS = keySet([...USAGE, 'nr_periods', 'nr_throttled', 'throttled_usec']);
const values = new Float64Array(KEYS.keys.length);

/** @returns how many lines were malformed; a field without a good line becomes NaN */
export function parseCpuStat(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  takeUsage(sample);
  sample.periods = values[3]!;
  sample.throttledPeriods = values[4]!;
  sample.throttledUs = values[5]!;
  return malformed;
}

/** Usage alone: throttling is left as it was. */
export function parseCpuUsage(buffer: Uint8Array, length: number, sample: Sample): number {
  const malformed = readFlatKeyed(buffer, length, USAGE_KEYS, values);
  takeUsage(sample);
  return malformed;
}

function takeUsage(sample: Sample): void {
  sample.cpuUsageUs = values[0]!;
  sample.cpuUserUs = values[1]!;
  sample.cpuSystemUs = values[2]!;
}
