import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keySet, readFlatKeyed } from './flat-keyed.ts';

function read(text: string, names: readonly string[], kilobytes = false) {
  const values = new Float64Array(names.length);
  const malformed = readFlatKeyed(Buffer.from(text), Buffer.byteLength(text), keySet(names, { kilobytes }), values);
  return { values: [...values], malformed };
}

describe('flat keyed files', () => {
  it('finds keys in any order and passes over the others', () => {
    expect(read('other 1\nb 2\nab 3\na 4\n', ['a', 'b'])).toEqual({ values: [4, 2], malformed: 0 });
  });

  it('tells an absent line from a malformed one', () => {
    expect(read('a 1\n', ['a', 'b'])).toEqual({ values: [1, NaN], malformed: 0 });
    expect(read('b -1\na 1\n', ['a', 'b'])).toEqual({ values: [1, NaN], malformed: 1 });
  });

  it.each([
    'a\n',
    'a \n',
    'a x\n',
    'a 1x\n',
    'a 1 2\n',
    'a -5\n',
    'a 1.5\n',
    'a 9007199254740992\n',
    'a 99999999999999999999\n',
  ])('calls %j malformed', (line) =>
    expect(read(`${line}b 1\n`, ['a', 'b'])).toEqual({ values: [NaN, 1], malformed: 1 }),
  );

  it('does not believe a line that was cut off before its newline', () => {
    expect(read('a 1\nb 12', ['a', 'b'])).toEqual({ values: [1, NaN], malformed: 1 });
    expect(read('a 1\nb', ['a', 'b'])).toEqual({ values: [1, NaN], malformed: 1 });
  });

  it('takes the largest whole number that a double holds', () => {
    expect(read(`a ${Number.MAX_SAFE_INTEGER}\n`, ['a']).values).toEqual([Number.MAX_SAFE_INTEGER]);
  });

  it('reads kB as bytes only with the unit behind the number', () => {
    expect(read('Total:   2 kB\nFree: 3\n', ['Total:', 'Free:'], true)).toEqual({ values: [2048, NaN], malformed: 1 });
  });

  it('reads a file whose lines moved since the reading before', () => {
    const set = keySet(['anon', 'file']);
    const values = new Float64Array(2);
    for (const text of ['anon 1\nfile 2\n', 'file 3\nanon 4\n', 'new_line 9\nanon 5\nx 1\nfile 6\n']) {
      expect(readFlatKeyed(Buffer.from(text), text.length, set, values)).toBe(0);
      expect([...values]).toEqual(['anon', 'file'].map((key) => Number(new RegExp(`${key} (\\d+)`).exec(text)![1])));
    }
  });

  it('reads back whatever was written', () => {
    const line = fc.record({ key: fc.stringMatching(/^[a-z_]{1,20}$/), value: fc.maxSafeNat() });
    fc.assert(
      fc.property(
        fc.uniqueArray(line, {
          selector: ({ key }) => `${key.length}${key[0]}${key.at(-1)}`,
          minLength: 1,
          maxLength: 40,
        }),
        (lines) => {
          const wanted = lines.slice(0, 3).map((entry) => entry.key);
          const text = lines
            .toReversed()
            .map(({ key, value }) => `${key} ${value}\n`)
            .join('');
          expect(read(text, wanted).values).toEqual(lines.slice(0, 3).map((entry) => entry.value));
        },
      ),
    );
  });
});
