import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines, TooLong, WholeBody } from './lines.ts';

async function* chunksOf(text: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  let from = 0;
  for (let at = 0; from < bytes.length; at += 1) {
    const size = sizes[at % sizes.length] ?? 1;
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

async function linesOf(text: string, sizes: readonly number[], maxBytes = 1000): Promise<string[]> {
  const lines: string[] = [];
  for await (const each of readLines(chunksOf(text, sizes), maxBytes)) lines.push(each.toString());
  return lines;
}

describe('lines of a watch', () => {
  it('are the same however the stream is cut, multi-byte characters included', async () => {
    const texts = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'ö', '€', '😀', '{'), minLength: 1, maxLength: 20 }),
      { maxLength: 8 },
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(texts, sizes, async (lines, cuts) => {
        expect(await linesOf(lines.map((each) => `${each}\n`).join(''), cuts)).toEqual(lines);
      }),
    );
  });

  it('leave out empty ones and what was cut off at the end', async () => {
    expect(await linesOf('a\n\n \r\nb\nhalf', [3])).toEqual(['a', 'b']);
  });

  it('are refused when too long, also before their end is seen', async () => {
    await expect(linesOf(`${'x'.repeat(11)}\n`, [100], 10)).rejects.toThrow(TooLong);
    await expect(linesOf('x'.repeat(11), [4], 10)).rejects.toThrow(TooLong);
    expect(await linesOf(`${'x'.repeat(10)}\n`, [4], 10)).toHaveLength(1);
  });
});

describe('a whole body', () => {
  it('is put together, up to its bound', async () => {
    const body = new WholeBody(12);
    expect((await body.read(chunksOf('twelve bytes', [5, 1]))).toString()).toBe('twelve bytes');
    expect((await body.read(chunksOf('two', [5]))).toString()).toBe('two');
    expect((await body.read(chunksOf('', [5]))).toString()).toBe('');
    await expect(body.read(chunksOf('thirteen byte', [5]))).rejects.toThrow(TooLong);
  });
});
