// Files that hold one number or `max`: memory.current, memory.max, memory.high, memory.peak, memory.swap.current, pids.current,
// and their cgroup v1 counterparts (memory.usage_in_bytes, memory.limit_in_bytes, cpuacct.usage ...).
import { decimal, decimalEnd, equals } from './bytes.ts';

const NEWLINE = 10;
const MAX = Buffer.from('max\n');
const ONE_BELOW_ZERO = Buffer.from('-1\n');

/** A whole number from 0 to 2^53 − 1, or Infinity for `max`; NaN when the file is malformed or cut off. */
export function parseSingleValue(buffer: Uint8Array, length: number): number {
  const end = decimalEnd(buffer, 0, length);
  if (end > 0 && end + 1 === length && buffer[end] === NEWLINE) return decimal(buffer, 0, end);
  return equals(buffer, length, MAX) ? Infinity : NaN;
}

/** A cgroup v1 limit: "no limit" is -1 (cpu.cfs_quota_us) or a number of at least 2^62 (memory.limit_in_bytes), read as Infinity. */
export function parseLimitV1(buffer: Uint8Array, length: number): number {
  if (equals(buffer, length, ONE_BELOW_ZERO)) return Infinity;
  const end = decimalEnd(buffer, 0, length);
  // 2^62 has 19 digits; u64 has at most 20
  if (end >= 19 && end <= 20 && end + 1 === length && buffer[end] === NEWLINE && aboveUnlimited(buffer, end)) {
    return Infinity;
  }
  return parseSingleValue(buffer, length);
}

function aboveUnlimited(buffer: Uint8Array, end: number): boolean {
  let value = 0;
  for (let at = 0; at < end; at++) value = value * 10 + (buffer[at]! - 48);
  return value >= 2 ** 62;
}
