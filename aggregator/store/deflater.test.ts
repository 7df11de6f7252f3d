import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Deflater } from './deflater.ts';

/** The last block, which no piece has. */
const END = Buffer.from('0300', 'hex');
const text = (name: string): Buffer => Buffer.from(`{"name":"${name}"}`.repeat(20_000));
const inflated = (pieces: readonly Buffer[]): string => inflateRawSync(Buffer.concat([...pieces, END])).toString();

describe('Deflater', () => {
  it('makes pieces that are whole alone and in any order', async () => {
    const deflater = new Deflater();
    const texts = ['a', 'a', 'b', ''].map(text);
    const pieces = await Promise.all(texts.map((one) => deflater.turn((deflate) => deflate(one))));
    for (const [at, piece] of pieces.entries()) expect(inflated([piece])).toBe(texts[at]!.toString());
    expect(inflated(pieces.toReversed())).toBe(Buffer.concat(texts.toReversed()).toString());
    deflater.close();
  });

  it('has nothing to say of nothing', async () => {
    const deflater = new Deflater();
    expect(await deflater.turn((deflate) => deflate(Buffer.alloc(0)))).toHaveLength(0);
  });

  it('makes pieces that do not compress, larger than its own memory', async () => {
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, at) => Math.imul(at * at, 2_654_435_761) >>> 24));
    const deflater = new Deflater();
    const piece = await deflater.turn((deflate) => deflate(noise));
    expect(inflateRawSync(Buffer.concat([piece, END])).equals(noise)).toBe(true);
    deflater.close();
  });

  it('goes on after work that failed, one at a time', async () => {
    const deflater = new Deflater();
    const order: string[] = [];
    const failed = deflater.turn(async (deflate) => {
      await deflate(text('first'));
      order.push('first');
      throw new Error('no more');
    });
    const second = deflater.turn((deflate) => {
      order.push('second');
      return deflate(text('second'));
    });
    await expect(failed).rejects.toThrow('no more');
    expect(inflated([await second])).toBe(text('second').toString());
    expect(order).toEqual(['first', 'second']);
    deflater.close();
  });

  it('tells whoever waits that its stream has ended, and begins anew', async () => {
    const deflater = new Deflater();
    const failed = deflater.turn(async (deflate) => {
      const piece = deflate(text('a'));
      deflater.close();
      return piece;
    });
    await expect(failed).rejects.toThrow('the deflate stream was closed');
    expect(inflated([await deflater.turn((deflate) => deflate(text('b')))])).toBe(text('b').toString());
    deflater.close();
  });
});
