import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayOf, objectOf, PRESENT, readShaped, SHARED, SharedValues, WHOLE } from './json-shape.ts';
import type { Shape } from './json-shape.ts';

function read(text: string, shape: Shape, shared = new SharedValues()): unknown {
  return readShaped(Buffer.from(text), shape, shared);
}

describe('reading a part of a JSON text', () => {
  it('keeps the members that the shape names, at every depth', () => {
    const shape = objectOf({ meta: objectOf({ name: WHOLE }), list: arrayOf(objectOf({ a: WHOLE })), state: PRESENT });
    const text = JSON.stringify({
      big: { name: 'no', nested: [{ a: '}]"\\' }] },
      meta: { uid: 'u', name: 'é "quoted" \\ \u0001' },
      list: [{ a: 1, b: [] }, { b: 2 }, {}],
      state: { running: {} },
    });
    expect(read(text, shape)).toEqual({
      meta: { name: 'é "quoted" \\ \u0001' },
      list: [{ a: 1 }, {}, {}],
      state: true,
    });
  });

  it('takes a value of another kind than the shape as it is', () => {
    const shape = objectOf({ object: objectOf({ a: WHOLE }), list: arrayOf(WHOLE), there: PRESENT, gone: PRESENT });
    expect(read('{"object":null,"list":"x","there":0,"gone":null}', shape)).toEqual({
      object: null,
      list: 'x',
      there: true,
      gone: null,
    });
  });

  it('knows a key that is written with escapes', () => {
    expect(read('{"\\u0061":1,"b\\n":2}', objectOf({ a: WHOLE, 'b\n': WHOLE }))).toEqual({ a: 1, 'b\n': 2 });
  });

  it('keeps the members that begin with a prefix, however they are written', () => {
    const shape = objectOf({ a: WHOLE }, 'my/');
    const text = '{"my/x":1,"my":2,"a":3,"other/my/":4,"m\\u0079/y":{"z":5}}';
    expect(read(text, shape)).toEqual({ 'my/x': 1, a: 3, 'my/y': { z: 5 } });
  });

  it('gives the same value for the same text, and begins anew when it holds too many', () => {
    const shared = new SharedValues(2);
    const shape = arrayOf(SHARED);
    const [one, two, other] = read('[{"a":1},{"a":1},{"a":2}]', shape, shared) as object[];
    expect(one).toBe(two);
    expect(other).toEqual({ a: 2 });
    read('[{"a":3},{"a":4},{"a":5}]', shape, shared);
    expect(shared.size).toBeLessThanOrEqual(2);
    expect(read('{"a":1}', SHARED, shared)).toEqual({ a: 1 });
  });

  it('is JSON.parse when everything is wanted, whatever the text', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t'), (text, space) => {
        expect(read(`${space}${text}${space}`, WHOLE)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('reads a member of any object as JSON.parse does, whatever stands around it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), (object, name, value) => {
        fc.pre(name !== '__proto__');
        const text = JSON.stringify({ ...object, [name]: value }, undefined, 1);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        expect(read(text, objectOf({ [name]: WHOLE }))).toEqual({ [name]: parsed[name] });
      }),
    );
  });

  it.each([
    '',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '[1',
    '["x',
    '{"a":1}}',
    '{1:2}',
    '{"a":1 2}',
    '{"a":tru}',
    '{,}',
  ])('refuses %j', (text) => {
    expect(() => read(text, objectOf({ a: WHOLE }))).toThrow(SyntaxError);
  });

  it('never fails but with a SyntaxError, whatever the bytes', () => {
    const shape = objectOf({ a: arrayOf(SHARED), b: objectOf({ c: PRESENT }) });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom('', '{"a":[', '{"b":{"c":'), (bytes, start) => {
        try {
          readShaped(Buffer.concat([Buffer.from(start), bytes]), shape, new SharedValues());
        } catch (err) {
          expect(err).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});
