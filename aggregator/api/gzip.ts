// A gzip body of pieces that were compressed each on its own: what a list keeps compressed needs no second compression.
// Contract: RFC 1952 and 1951; the whole is one member, which every reader takes.
import { crc32 } from 'node:zlib';
import type { Deflated } from '../store/views.ts';

type Piece = Pick<Deflated, 'bytes' | 'crc' | 'length'>;

/** Smaller bodies are sent as they are. */
export const GZIP_FROM_BYTES = 128 * 1024;

/** No name, no time, no operating system. */
const HEADER = Buffer.from('1f8b08000000000000ff', 'hex');
/** A last block, with nothing in it. */
const LAST_BLOCK = Buffer.from('0300', 'hex');
const MAX_STORED_BYTES = 0xffff;

/** @returns chunks of a whole gzip body */
export function gzipBody(pieces: readonly Piece[]): readonly Buffer[] {
  const trailer = Buffer.alloc(8);
  let [crc, length] = [0, 0];
  for (const piece of pieces) {
    crc = joinedCrc(crc, piece.crc, piece.length);
    length += piece.length;
  }
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return [HEADER, ...pieces.map(({ bytes }) => bytes), LAST_BLOCK, trailer];
}

/** A short text as blocks that are not compressed. */
export function stored(bytes: Buffer): Piece {
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += MAX_STORED_BYTES) {
    const part = bytes.subarray(at, at + MAX_STORED_BYTES);
    const header = Buffer.alloc(5);
    header.writeUInt16LE(part.length, 1);
    header.writeUInt16LE(part.length ^ 0xffff, 3);
    blocks.push(header, part);
  }
  return { bytes: Buffer.concat(blocks), crc: crc32(bytes), length: bytes.length };
}

export function takesGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? '').split(',').some((coding) => {
    const [name = '', quality = 'q=1'] = coding.split(';').map((part) => part.trim().toLowerCase());
    return name === 'gzip' && Number(quality.slice('q='.length)) !== 0;
  });
}

/** The CRC-32 of a and b, one behind the other: a's is moved on by the length of b, which is a product of polynomials. */
export function joinedCrc(a: number, b: number, lengthOfB: number): number {
  return (product(a, powerOfX(lengthOfB * 8)) ^ b) >>> 0;
}

/** CRC-32's polynomial and all others here: the highest bit is the term without x. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

function product(a: number, b: number): number {
  let [sum, shifted] = [0, b];
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) sum ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
  }
  return sum >>> 0;
}

/** x to the power of 2^n, modulo the polynomial. */
const SQUARES = [ONE >>> 1];
for (let n = 1; n < 53; n++) SQUARES.push(product(SQUARES[n - 1]!, SQUARES[n - 1]!));

function powerOfX(exponent: number): number {
  let power = ONE;
  for (let [n, rest] = [0, exponent]; rest > 0; n++) {
    if (rest % 2 === 1) power = product(SQUARES[n]!, power);
    rest = Math.floor(rest / 2);
  }
  return power;
}
