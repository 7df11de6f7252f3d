import { crc32, gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deflater } from '../store/deflater.ts';
import { deflated } from '../store/made-bytes.ts';
import { gzipBody, joinedCrc, stored, takesGzip } from './gzip.ts';

const NO_INSTANTS = new Float64Array(0);
const bytes = fc.uint8Array({ maxLength: 2000 }).map((array) => Buffer.from(array));

describe('a gzip body of pieces', () => {
  it('has the checksum of the whole', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(joinedCrc(crc32(a), crc32(b), b.length)).toBe(crc32(Buffer.concat([a, b])));
      }),
      { numRuns: 500 },
    );
  });

  it('has it for pieces longer than 4 GiB too', () => {
    // As the sum of exponents: moving on by 2^33 bytes is moving on by 2^32 twice.
    const half = joinedCrc(0x1234_5678, 0, 2 ** 32);
    expect(joinedCrc(0x1234_5678, 0, 2 ** 33)).toBe(joinedCrc(half, 0, 2 ** 32));
  });

  it('is read as one, whatever the pieces are and however they were made', async () => {
    const deflater = new Deflater();
    const compressed = (part: Buffer) => deflater.turn((deflate) => deflated(deflate, part, NO_INSTANTS));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(bytes, fc.boolean()), { maxLength: 8 }), async (parts) => {
        const pieces = [];
        for (const [part, isStored] of parts) pieces.push(isStored ? stored(part) : await compressed(part));
        const whole = Buffer.concat(parts.map(([part]) => part));
        expect(gunzipSync(Buffer.concat(gzipBody(pieces)))).toEqual(whole);
      }),
    );
  });

  it('stores texts that are longer than a block', () => {
    const text = Buffer.from('x'.repeat(200_000));
    expect(gunzipSync(Buffer.concat(gzipBody([stored(text)])))).toEqual(text);
  });
});

it.each([
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['deflate, gzip;q=0.5', true],
  ['gzip;q=0', false],
  ['br', false],
])('%s takes gzip: %s', (header, takes) => {
  expect(takesGzip(header)).toBe(takes);
});
