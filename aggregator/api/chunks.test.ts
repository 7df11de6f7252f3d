import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { AT_ONCE_BYTES, chunksOf } from './chunks.ts';

const KIB = 1024;

it('keeps every byte in its place', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200 * KIB), { maxLength: 16 }), (lengths) => {
      const parts = lengths.map((length, index) => Buffer.alloc(length, index + 1));
      expect(Buffer.concat(chunksOf(parts)).equals(Buffer.concat(parts))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

it('puts small parts of a large body together and passes large ones on as they are', () => {
  const large = Buffer.alloc(AT_ONCE_BYTES);
  const small = Array.from({ length: 200 }, () => Buffer.alloc(KIB));
  const chunks = chunksOf([Buffer.from('opening'), large, ...small]);
  expect(chunks[1]).toBe(large);
  expect(chunks.map(({ length }) => length)).toEqual([7, AT_ONCE_BYTES, 64 * KIB, 64 * KIB, 64 * KIB, 8 * KIB]);
});

it('leaves a body that is written at once as it is', () => {
  const parts = [Buffer.alloc(1), Buffer.alloc(AT_ONCE_BYTES - 2), Buffer.alloc(1)];
  expect(chunksOf(parts)).toBe(parts);
});
