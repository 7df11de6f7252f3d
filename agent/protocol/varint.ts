// Bytes of the binary batch: unsigned LEB128 varints (as protobuf's, at most 8 bytes, at most 2^53 − 1), zigzag for signed
// ones, little-endian float64, strings as byte length and UTF-8.
import { checkCount, malformed } from './refusal.ts';
import { MAX_STRING } from './bounds.ts';

const MAX_VARINT_BYTES = 8;
const INT31 = 0x7fffffff;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** |value| < 2^52, so that the result is exact. */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

export function unzigzag(value: number): number {
  if (value <= INT31) return (value >>> 1) ^ -(value & 1);
  const half = Math.floor(value / 2);
  return value % 2 === 0 ? half : -half - 1;
}

export function varintLength(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest /= 128) bytes++;
  return bytes;
}

/** Grows by doubling and keeps its buffer from one batch to the next. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #at = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  clear(): void {
    this.#at = 0;
  }

  /** A copy of what was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** @param value a whole number from 0 to 2^53 − 1 */
  uint(value: number): void {
    if (this.#at + MAX_VARINT_BYTES > this.#bytes.length) this.#reserve(MAX_VARINT_BYTES);
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = value;
    for (; rest > INT31; rest = Math.floor(rest / 128)) bytes[at++] = (rest & 127) | 128;
    let low = rest | 0;
    for (; low > 127; low >>>= 7) bytes[at++] = (low & 127) | 128;
    bytes[at++] = low;
    this.#at = at;
  }

  /** −0 is sent as 0, as JSON does. */
  float64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value + 0, true);
    this.#at += 8;
  }

  string(text: string): void {
    this.#reserve(text.length * 3);
    const start = this.#at;
    this.#at += encoder.encodeInto(text, this.#bytes.subarray(start)).written;
    this.prefixLength(start);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Puts the length of what was written since `start` in front of it. */
  prefixLength(start: number): void {
    const length = this.#at - start;
    const shift = varintLength(length);
    this.#reserve(shift);
    this.#bytes.copyWithin(start + shift, start, this.#at);
    this.#at = start;
    this.uint(length);
    this.#at = start + shift + length;
  }

  /** Appends a bitmap of `count` bits, all 0; returns its place for `setBit`. */
  bitmap(count: number): number {
    const size = Math.ceil(count / 8);
    this.#reserve(size);
    const place = this.#at;
    this.#bytes.fill(0, place, place + size);
    this.#at += size;
    return place;
  }

  setBit(place: number, bit: number): void {
    const at = place + (bit >>> 3);
    this.#bytes[at] = this.#bytes[at]! | (1 << (bit & 7));
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const bigger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bigger.set(this.#bytes);
    this.#bytes = bigger;
    this.#view = new DataView(bigger.buffer);
  }
}

/** Reads within [start, end) of a body and never beyond. Every refusal names `where`. */
export class ByteReader {
  readonly where: string;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, where: string, start = 0, end = bytes.length) {
    this.where = where;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#end) throw this.#truncated();
    return this.#bytes[this.#at++]!;
  }

  uint(): number {
    const first = this.byte();
    if (first < 128) return first;
    let value = first & 127;
    let scale = 128;
    for (let count = 1; count < MAX_VARINT_BYTES; count++) {
      const next = this.byte();
      value += (next & 127) * scale;
      if (next < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw malformed(this.where, `number above 2^53 − 1 at byte ${this.#at}`);
  }

  float64(): number {
    this.#need(8);
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  string(): string {
    const length = this.uint();
    if (length > 3 * MAX_STRING) throw malformed(this.where, `string of ${length} bytes at byte ${this.#at}`);
    this.#need(length);
    const start = this.#at;
    this.#at += length;
    try {
      const text = decoder.decode(this.#bytes.subarray(start, this.#at));
      if (text.length <= MAX_STRING) return text;
    } catch {
      throw malformed(this.where, `string at byte ${start} is not UTF-8`);
    }
    throw malformed(this.where, `string at byte ${start} is longer than ${MAX_STRING} characters`);
  }

  /** Past the next string if it is this one. @param text of less than 128 bytes */
  takes(text: Uint8Array): boolean {
    const { length } = text;
    const start = this.#at + 1;
    if (this.#bytes[this.#at] !== length || length > this.#end - start) return false;
    for (let at = 0; at < length; at++) if (this.#bytes[start + at] !== text[at]) return false;
    this.#at = start + length;
    return true;
  }

  /** The next `length` bytes as a reader of their own; this one goes on behind them. */
  part(length: number, where: string): ByteReader {
    this.#need(length);
    const start = this.#at;
    this.#at += length;
    return new ByteReader(this.#bytes, where, start, this.#at);
  }

  /** A view (not a copy) of a bitmap of `count` bits. */
  bitmap(count: number): Uint8Array {
    const size = Math.ceil(count / 8);
    this.#need(size);
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  /** A count of things that take at least `least` bytes each: refused before anything is allocated for them. */
  count(most: number, least: number): number {
    const count = this.uint();
    checkCount(this.where, count, most);
    if (count * least > this.remaining)
      throw malformed(this.where, `${count} entries do not fit in ${this.remaining} bytes`);
    return count;
  }

  #need(length: number): void {
    if (length > this.#end - this.#at) throw this.#truncated();
  }

  #truncated(): Error {
    return malformed(this.where, `truncated at byte ${this.#at}`);
  }
}
