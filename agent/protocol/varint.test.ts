import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_STRING } from './bounds.ts';
import { ByteReader, ByteWriter, unzigzag, varintLength, zigzag } from './varint.ts';

const whole = fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1), fc.maxSafeNat());

function readerOf(write: (writer: ByteWriter) => void): ByteReader {
  const writer = new ByteWriter(4);
  write(writer);
  return new ByteReader(writer.take(), 'test');
}

describe('varints', () => {
  it('come back as they were, up to 2^53 − 1, in the bytes that varintLength says', () => {
    fc.assert(
      fc.property(whole, (value) => {
        const reader = readerOf((writer) => writer.uint(value));
        expect(reader.remaining).toBe(varintLength(value));
        expect(reader.uint()).toBe(value);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it('keep the sign through zigzag for every difference below 2^52', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 }), (value) => {
        expect(zigzag(value)).toBeGreaterThanOrEqual(0);
        expect(unzigzag(zigzag(value)) + 0).toBe(value + 0);
      }),
    );
  });

  it.each([
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], /above 2\^53/],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /above 2\^53/],
    [[0xff, 0xff], /truncated/],
    [[], /truncated/],
  ])('are refused when they are no number: %j', (bytes, message) => {
    expect(() => new ByteReader(Uint8Array.from(bytes), 'test').uint()).toThrow(message);
  });
});

describe('strings and lengths', () => {
  it('come back as they were, a byte order mark included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const reader = readerOf((writer) => writer.string(`\ufeff${text}`));
        expect(reader.string()).toBe(`\ufeff${text}`);
      }),
    );
  });

  it('are refused when too long, cut, or not UTF-8', () => {
    const long = readerOf((writer) => writer.string('x'.repeat(MAX_STRING + 1)));
    expect(() => long.string()).toThrow(/longer than 4096/);
    const huge = readerOf((writer) => writer.string('x'.repeat(3 * MAX_STRING + 1)));
    expect(() => huge.string()).toThrow(/string of 12289 bytes/);
    expect(() => new ByteReader(Uint8Array.of(5, 0x61), 'test').string()).toThrow(/truncated/);
    expect(() => new ByteReader(Uint8Array.of(1, 0xff), 'test').string()).toThrow(/not UTF-8/);
  });

  it('are put in front of what was written, however long it is', () => {
    for (const length of [1, 127, 128, 20_000]) {
      const reader = readerOf((writer) => {
        writer.byte(7);
        const start = writer.length;
        for (let count = 0; count < length; count++) writer.byte(count & 255);
        writer.prefixLength(start);
        writer.byte(9);
      });
      expect(reader.byte()).toBe(7);
      const part = reader.part(reader.uint(), 'part');
      expect(part.remaining).toBe(length);
      expect(part.byte()).toBe(0);
      expect(reader.byte()).toBe(9);
    }
  });

  it('never lead a part beyond its end', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3), 'test');
    const part = reader.part(1, 'part');
    part.byte();
    expect(() => part.byte()).toThrow('part: truncated at byte 1');
    expect(() => reader.part(3, 'more')).toThrow(/truncated/);
  });
});

describe('a count', () => {
  it('is refused above its bound, and when the bytes that are left cannot hold it', () => {
    expect(() => readerOf((writer) => writer.uint(2 ** 32)).count(8192, 1)).toThrow(/above the bound of 8192/);
    expect(() => readerOf((writer) => writer.uint(100)).count(8192, 1)).toThrow(/100 entries do not fit in 0 bytes/);
  });
});
