import { describe, expect, it } from 'vitest';
import { UNIFIED_CONTAINER, UNIFIED_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { parseLimitV1, parseSingleValue } from './single-value.ts';

const file = (name: string): Buffer => recorded(UNIFIED_ROOT, `${UNIFIED_CONTAINER}/${name}`);
const read = (text: string): number => parseSingleValue(Buffer.from(text), text.length);

const limit = (text: string): number => parseLimitV1(Buffer.from(text), text.length);

describe('single values', () => {
  it('are a whole number or max', () => {
    expect(read('52330496\n')).toBe(52330496);
    expect(read('0\n')).toBe(0);
    expect(read('max\n')).toBe(Infinity);
  });

  it.each(['', '\n', '12', 'max', '-1\n', '1.5\n', '1 2\n', '99999999999999999999\n', 'maximum\n'])(
    'are nothing when the file holds %j',
    (text) => expect(read(text)).toBeNaN(),
  );

  it('of cgroup v1 say "no limit" with -1 or a number that no machine has', () => {
    expect(limit('9223372036854771712\n')).toBe(Infinity);
    expect(limit('-1\n')).toBe(Infinity);
    expect(limit('67108864\n')).toBe(67108864);
    expect(limit('-2\n')).toBeNaN();
    expect(limit('9223372036854771712')).toBeNaN();
  });

  it('survive any damage', () => {
    for (const parse of [parseSingleValue, parseLimitV1]) {
      const into = { value: NaN };
      const store = (buffer: Uint8Array, length: number): number => ((into.value = parse(buffer, length)), 0);
      expect(breakage(file('memory.max'), store, () => into)).toBe('');
    }
  });
});
