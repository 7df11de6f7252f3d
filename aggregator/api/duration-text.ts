// Text of a meta/v1 Duration: Go's time.Duration.String(), "15.032s", "1m0.5s", "500ms", "0s".
import { INT32_MAX, writeByte, writeDigits, writeInteger, writtenText } from './ascii.ts';

/** The most bytes that one duration takes: 2^53 µs are 2501999h47m34.740991s, within what Go's Duration holds. */
export const DURATION_MAX_BYTES = 24;

const US_PER_SECOND = 1_000_000;
const [ZERO, POINT, HOUR, MINUTE, SECOND] = [0x30, 0x2e, 0x68, 0x6d, 0x73] as const; // 0 . h m s
/** The first byte of "µs" in UTF-8 and the second. */
const MICRO = [0xc2, 0xb5] as const;

/**
 * @param us microseconds; fractions are cut off, a negative span is "0s"
 * @returns the offset behind the text
 */
export function writeDuration(out: Uint8Array, offset: number, us: number): number {
  if (!(us >= 1)) return writeByte(out, writeByte(out, offset, ZERO), SECOND);
  const whole = Math.min(Math.trunc(us), Number.MAX_SAFE_INTEGER);
  if (whole < US_PER_SECOND) return writeByte(out, writeSubSecond(out, offset, whole), SECOND);
  const fraction = whole <= INT32_MAX ? (whole | 0) % US_PER_SECOND : whole % US_PER_SECOND;
  const seconds = (whole - fraction) / US_PER_SECOND;
  const at = seconds < 60 ? offset : writeMinutes(out, offset, Math.floor(seconds / 60));
  return writeByte(out, writeFraction(out, writeInteger(out, at, seconds % 60), fraction, 6), SECOND);
}

function writeMinutes(out: Uint8Array, offset: number, minutes: number): number {
  const at = minutes < 60 ? offset : writeByte(out, writeInteger(out, offset, Math.floor(minutes / 60)), HOUR);
  return writeByte(out, writeInteger(out, at, minutes % 60), MINUTE);
}

/** "1.5m" or "7µ", before the s. */
function writeSubSecond(out: Uint8Array, offset: number, us: number): number {
  if (us < 1000) return writeByte(out, writeByte(out, writeInteger(out, offset, us), MICRO[0]), MICRO[1]);
  const at = writeInteger(out, offset, Math.floor(us / 1000));
  return writeByte(out, writeFraction(out, at, us % 1000, 3), MINUTE);
}

/** "." and the digits of `fraction` without trailing zeros; nothing for 0. */
function writeFraction(out: Uint8Array, offset: number, fraction: number, digits: number): number {
  if (fraction === 0) return offset;
  let rest = fraction | 0;
  let count = digits;
  for (; rest % 10 === 0; count--) rest = (rest / 10) | 0;
  return writeDigits(out, writeByte(out, offset, POINT), rest, count);
}

export function durationText(us: number): string {
  return writtenText((out) => writeDuration(out, 0, us));
}
