import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonString } from './json-string.ts';

it('is read back as it was, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(JSON.parse(jsonString(text))).toBe(text);
    }),
  );
});
