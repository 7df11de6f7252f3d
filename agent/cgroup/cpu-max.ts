// cpu.max of cgroup v2: `$QUOTA $PERIOD` in µs, `max` for no quota.
import { decimal, decimalEnd } from './bytes.ts';
import type { Sample } from './sample.ts';

/** @returns 1 when the file is malformed (both fields NaN), else 0 */
export function parseCpuMax(buffer: Uint8Array, length: number, sample: Sample): number {
  sample.cpuQuotaUs = NaN;
  sample.cpuPeriodUs = NaN;
  if (length <= 0) return 1;
  const unlimited = length > 3 && buffer[0] === 0x6d && buffer[1] === 0x61 && buffer[2] === 0x78;
  const quotaEnd = unlimited ? 3 : decimalEnd(buffer, 0, length);
  const quotaUs = unlimited ? Infinity : decimal(buffer, 0, quotaEnd);
  const periodEnd = decimalEnd(buffer, quotaEnd + 1, length);
  const periodUs = decimal(buffer, quotaEnd + 1, periodEnd);
  const whole = buffer[quotaEnd] === 32 && periodEnd + 1 === length && buffer[periodEnd] === 10;
  if (!whole || !(quotaUs > 0) || !(periodUs > 0)) return 1;
  sample.cpuQuotaUs = quotaUs;
  sample.cpuPeriodUs = periodUs;
  return 0;
}
