// Bytes of a JSON text, written into a buffer that has room for them: every function gives the offset behind what it wrote.

const ZERO = 0x30;
/** Numbers up to it are worked with as small integers: a remainder of two floats takes twenty times as long. */
export const INT32_MAX = 0x7fffffff;
const BILLION = 1_000_000_000;
/** "00" to "99". */
const PAIRS = Uint8Array.from({ length: 200 }, (_, at) => ZERO + (at & 1 ? (at >> 1) % 10 : Math.floor(at / 20)));

export function writeByte(out: Uint8Array, offset: number, byte: number): number {
  out[offset] = byte;
  return offset + 1;
}

/** For a few bytes: quicker than `set`, which is made for many. */
export function writeBytes(out: Uint8Array, offset: number, bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at++) out[offset + at] = bytes[at]!;
  return offset + bytes.length;
}

/** @param value a whole number from 0 to 2^53 − 1 */
export function writeInteger(out: Uint8Array, offset: number, value: number): number {
  if (value <= INT32_MAX) return writeDigits(out, offset, value, digitsOf(value));
  const high = Math.floor(value / BILLION);
  return writeDigits(out, writeInteger(out, offset, high), value - high * BILLION, 9);
}

/** With leading zeros up to `count` digits; `value` is under 2^31, which keeps the division among small integers. */
export function writeDigits(out: Uint8Array, offset: number, value: number, count: number): number {
  let rest = value | 0;
  let at = offset + count;
  for (; at > offset + 1; at -= 2) {
    const hundredth = (rest / 100) | 0;
    const pair = (rest - hundredth * 100) << 1;
    out[at - 1] = PAIRS[pair + 1]!;
    out[at - 2] = PAIRS[pair]!;
    rest = hundredth;
  }
  if (at > offset) out[offset] = ZERO + rest;
  return offset + count;
}

/** Of a whole number from 0 to 2^31 − 1. */
function digitsOf(value: number): number {
  if (value < 10_000) {
    if (value < 100) return value < 10 ? 1 : 2;
    return value < 1000 ? 3 : 4;
  }
  if (value < 1_000_000) return value < 100_000 ? 5 : 6;
  if (value < 100_000_000) return value < 10_000_000 ? 7 : 8;
  return value < BILLION ? 9 : 10;
}

const SCRATCH = Buffer.alloc(64);

/** The text that `write` leaves in the buffer it is given, which has 64 bytes. */
export function writtenText(write: (out: Uint8Array) => number): string {
  return SCRATCH.toString('utf8', 0, write(SCRATCH));
}
