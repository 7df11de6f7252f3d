// The cpu lines of /proc/stat: `cpu  user nice system idle iowait irq softirq steal guest guest_nice` in ticks of 10 ms (USER_HZ is 100
// on every Linux ABI that Node runs on), then one line a CPU that is online. guest is a part of user, guest_nice of nice.
import { decimal, decimalEnd } from '../cgroup/bytes.ts';

const TICK_US = 10_000;
const NEWLINE = 10;
const SPACE = 32;

/** Reused from reading to reading. NaN: malformed. */
export interface ProcStat {
  /** As cgroup2's root cpu.stat counts: user + nice + system + irq + softirq + steal. */
  usageUs: number;
  userUs: number;
  systemUs: number;
  onlineCpus: number;
}

export function emptyProcStat(): ProcStat {
  return { usageUs: NaN, userUs: NaN, systemUs: NaN, onlineCpus: NaN };
}

const ticks = new Float64Array(8);

/** @returns 1 when the first line is malformed, else 0 */
export function parseProcStat(buffer: Uint8Array, length: number, stat: ProcStat): number {
  stat.usageUs = NaN;
  stat.userUs = NaN;
  stat.systemUs = NaN;
  stat.onlineCpus = 0;
  let malformed = length >= 0 ? 1 : 0;
  for (let start = 0, end = 0; isCpuLine(buffer, start, length); start = end + 1) {
    end = start;
    while (end < length && buffer[end] !== NEWLINE) end++;
    if (end >= length) break;
    if (buffer[start + 3] !== SPACE) stat.onlineCpus++;
    else if (readTicks(buffer, start + 3, end)) {
      stat.userUs = (ticks[0]! + ticks[1]!) * TICK_US;
      stat.systemUs = (ticks[2]! + ticks[5]! + ticks[6]!) * TICK_US;
      stat.usageUs = stat.userUs + stat.systemUs + ticks[7]! * TICK_US;
      malformed = 0;
    }
  }
  if (stat.onlineCpus === 0) stat.onlineCpus = NaN;
  return malformed;
}

function isCpuLine(buffer: Uint8Array, at: number, length: number): boolean {
  return at + 3 < length && buffer[at] === 0x63 && buffer[at + 1] === 0x70 && buffer[at + 2] === 0x75;
}

/** The first eight numbers of [from, end). */
function readTicks(buffer: Uint8Array, from: number, end: number): boolean {
  let at = from;
  for (let index = 0; index < ticks.length; index++) {
    while (at < end && buffer[at] === SPACE) at++;
    const digits = at;
    at = decimalEnd(buffer, at, end);
    ticks[index] = decimal(buffer, digits, at);
    if (!(ticks[index]! >= 0)) return false;
  }
  return at === end || buffer[at] === SPACE;
}
