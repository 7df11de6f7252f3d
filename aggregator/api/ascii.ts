// Bytes of a JSON text, written into a buffer that has room for them: every function gives the offset behind what it wrote.

const ZERO = 0x30;
const INT32_MAX = 0x7fffffff;
const BILLION = 1_000_000_000;

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
  for (let at = offset + count - 1; at >= offset; at--) {
    const tenth = (rest / 10) | 0;
    out[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return offset + count;
}

function digitsOf(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  return count;
}

const SCRATCH = Buffer.alloc(64);

/** The text that `write` leaves in the buffer it is given, which has 64 bytes. */
export function writtenText(write: (out: Uint8Array) => number): string {
  return SCRATCH.toString('utf8', 0, write(SCRATCH));
}
