import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readExposition } from './exposition-line.ts';

describe('readExposition', () => {
  it('reads name, labels, value and timestamp', () => {
    expect(readExposition('a_b:c{x="1",y="zwei"} 1.5e+03 1795435196900')).toEqual({
      name: 'a_b:c',
      labels: { x: '1', y: 'zwei' },
      value: 1500,
      atMs: 1_795_435_196_900,
    });
  });

  it('reads a line without labels or timestamp', () => {
    expect(readExposition('up 1')).toEqual({ name: 'up', labels: {}, value: 1, atMs: NaN });
    expect(readExposition('up{} 0\r')).toEqual({ name: 'up', labels: {}, value: 0, atMs: NaN });
  });

  it('takes spaces and a last comma where the format allows them', () => {
    expect(readExposition('\tm { a = "1" , b="2", }  .5  7 ')).toMatchObject({
      name: 'm',
      labels: { a: '1', b: '2' },
      value: 0.5,
      atMs: 7,
    });
  });

  it('reads escaped characters in label values', () => {
    expect(readExposition(String.raw`m{a="q\"b\\s\nl\x}"} 1`)?.labels).toEqual({ a: 'q"b\\s\nl\\x}' });
  });

  it.each([
    ['', 'nothing'],
    ['m', 'no value'],
    ['m{a="1" 1', 'an open brace'],
    ['m{a="1"b="2"} 1', 'no comma between labels'],
    ['m{a=1} 1', 'a label without quotes'],
    ['m{a="1} 1', 'an open quote'],
    ['m{,} 1', 'a comma alone'],
    ['m 1 2 3', 'too much'],
    ['m 0x10', 'a value of another notation'],
    ['m -1', 'a negative value'],
    ['m NaN', 'no number'],
    ['m +Inf', 'infinity'],
    ['m 1e999', 'more than a double holds'],
    ['m 1 -62135596800000', "Go's zero time"],
    ['m 1 0', 'the beginning of time'],
    ['m 1 1.5', 'a timestamp with a fraction'],
    ['m 1 99999999999999999999', 'a timestamp beyond integers'],
    [`m{a="${'x'.repeat(5000)}"} 1`, 'a line too long'],
    [`m{${'a="1",'.repeat(40)}} 1`, 'too many labels'],
  ])('refuses %j: %s', (line) => {
    expect(readExposition(line)).toBeUndefined();
  });

  it('keeps a label of any name a label', () => {
    const labels = readExposition('m{__proto__="a",constructor="b"} 1')!.labels;
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  it('reads back any label value that was written with escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(), (value, at) => {
        const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
        fc.pre(!/[\r\u2028\u2029]/.test(value));
        const read = readExposition(`m{a="${escaped}",b="c"} 12.5 ${at + 1}`);
        expect(read).toEqual({ name: 'm', labels: { a: value, b: 'c' }, value: 12.5, atMs: at + 1 });
      }),
    );
  });

  it('never throws and never gives a number that is none', () => {
    const piece = fc.constantFrom('m', '{', '}', 'a="1"', ',', '"', '\\', ' ', '1', '-', 'e9', '.', 'NaN', '\t', '=');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (line) => {
          const read = readExposition(line);
          if (read === undefined) return;
          expect(read.value).toBeGreaterThanOrEqual(0);
          expect(read.value).toBeLessThan(Infinity);
          expect(read.atMs > 0 || Number.isNaN(read.atMs)).toBe(true);
        },
      ),
    );
  });
});
