// /proc/loadavg: `0.00 0.01 0.05 2/187 12345`, the number behind the slash counts all tasks. The root cgroup has no pids.current.
import { decimal, decimalEnd } from '../cgroup/bytes.ts';
import type { Sample } from '../cgroup/sample.ts';

const SLASH = 47;

/** @returns 1 when the file is malformed (pids NaN), else 0 */
export function parseLoadavg(buffer: Uint8Array, length: number, sample: Sample): number {
  sample.pids = NaN;
  if (length < 0) return 0;
  let at = 0;
  while (at < length && buffer[at] !== SLASH) at++;
  const end = decimalEnd(buffer, at + 1, length);
  if (end < length && buffer[end] === 32) sample.pids = decimal(buffer, at + 1, end);
  return Number.isNaN(sample.pids) ? 1 : 0;
}
