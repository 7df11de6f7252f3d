import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createChunkList } from './chunks.ts';

const KIB = 1024;

it('keeps every byte in its place', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(90 * KIB), { maxLength: 8 }), (lengths) => {
      const parts = lengths.map((length, index) => Buffer.alloc(length, index + 1));
      const list = createChunkList();
      for (const part of parts) list.add(part);
      expect(Buffer.concat(list.chunks()).equals(Buffer.concat(parts))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

it('puts small parts together and passes large ones on as they are', () => {
  const list = createChunkList();
  const large = Buffer.alloc(100 * KIB);
  list.addText('opening');
  list.add(large);
  for (let count = 0; count < 200; count++) list.add(Buffer.alloc(KIB));
  const chunks = list.chunks();
  expect(chunks[1]).toBe(large);
  expect(chunks.map(({ length }) => length)).toEqual([7, 100 * KIB, 64 * KIB, 64 * KIB, 64 * KIB, 8 * KIB]);
});
