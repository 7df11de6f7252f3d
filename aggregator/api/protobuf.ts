// Protocol buffers' wire format, as far as Kubernetes' types need it. Contract: protobuf.dev/programming-guides/encoding.
// Messages that are asked for seldom are put together from fields; items of lists write their bytes themselves.
import { writeBytes } from './ascii.ts';

/** Field numbers up to 15 only: their tags take one byte. */
const [VARINT, LENGTH] = [0, 2];
const LOW_28_BITS = 2 ** 28;

/** The most bytes that `writeVarint` uses for 2^53. */
export const VARINT_MAX_BYTES = 8;

/** @param value a whole number from 0 on; above 2^53 its low bits are as good as the number is */
export function writeVarint(out: Uint8Array, offset: number, value: number): number {
  let [at, rest] = [offset, value];
  while (rest >= LOW_28_BITS) {
    let low = rest % LOW_28_BITS;
    rest = Math.floor(rest / LOW_28_BITS);
    for (let byte = 0; byte < 4; byte++) {
      out[at++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
  }
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

export function varint(value: number): Buffer {
  const out = Buffer.alloc(10);
  return out.subarray(0, writeVarint(out, 0, value));
}

/** The tag of a field that has a length: a string, bytes or a message. */
export function lengthTag(field: number): number {
  return (field << 3) | LENGTH;
}

/** A message, string or bytes. */
export function field(number: number, value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Buffer.of(lengthTag(number)), varint(bytes.length), bytes]);
}

export function integerField(number: number, value: number | boolean): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | VARINT), varint(Number(value))]);
}

/** One field for each value. */
export function fields(number: number, values: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(values.map((value) => field(number, value)));
}

/** A string field. Names and labels of API objects are ASCII and short. @returns the offset behind it */
export function writeTextField(out: Uint8Array, offset: number, number: number, text: string): number {
  if (text.length >= 0x80) return writeBytes(out, offset, field(number, text));
  out[offset] = lengthTag(number);
  out[offset + 1] = text.length;
  let at = offset + 2;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80) return writeBytes(out, offset, field(number, text));
    out[at++] = code;
  }
  return at;
}

/** The most bytes that `writeTextField` uses for a text of so many code units. */
export function textFieldMaxBytes(length: number): number {
  return 6 + 3 * length;
}

/**
 * Writes the length of what goes on to `end` into the `room` bytes at `offset`; what follows is moved where it takes other than that.
 * @returns the new end
 */
export function writeLength(out: Uint8Array, offset: number, room: number, end: number): number {
  const length = end - offset - room;
  const takes = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4;
  if (takes !== room) out.copyWithin(offset + takes, offset + room, end);
  writeVarint(out, offset, length);
  return offset + takes + length;
}
