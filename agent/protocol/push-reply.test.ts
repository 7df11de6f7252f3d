import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_REPLY_BYTES } from './bounds.ts';
import { PUSH_ERROR_STATUS, decodePushError, decodeReply, encodePushError, encodeReply } from './push-reply.ts';
import type { PushErrorCode } from './reply.ts';

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = fc.string({ unit: 'grapheme', maxLength: 80 });
const codes = Object.keys(PUSH_ERROR_STATUS) as PushErrorCode[];

describe('a reply', () => {
  it('comes back as it was', () => {
    const name = fc.record({ ref: fc.nat(0xffff_ffff), namespace: text, pod: text, container: text });
    const directive = fc.record({ kind: text, fencing: fc.maxSafeNat() });
    const reply = fc.record({
      accepted: fc.maxSafeNat(),
      names: fc.array(name, { maxLength: 20 }),
      directives: fc.array(directive, { maxLength: 5 }),
    });
    fc.assert(
      fc.property(reply, (given) => {
        expect(decodeReply(encodeReply(given))).toEqual({ kind: 'reply', reply: given });
      }),
    );
  });

  it('may say less and more than this version knows', () => {
    const decoded = decodeReply(
      bytes('{"accepted":3,"directives":[{"kind":"lease","fencing":1,"ceiling":5}],"later":{}}'),
    );
    expect(decoded).toEqual({
      kind: 'reply',
      reply: { accepted: 3, names: [], directives: [{ kind: 'lease', fencing: 1 }] },
    });
  });

  it.each([
    ['<html>502 Bad Gateway</html>', 'malformed', /reply: is not JSON/],
    ['null', 'malformed', /reply: is not an object/],
    ['{}', 'malformed', /accepted: is not a whole number/],
    ['{"accepted":-1}', 'malformed', /accepted/],
    ['{"accepted":1,"names":{}}', 'malformed', /names: is not an array/],
    [
      '{"accepted":1,"names":[{"ref":1,"namespace":"n","pod":"p"}]}',
      'malformed',
      /names\[0\]\.container: is not a string/,
    ],
    [`{"accepted":1,"names":[${'1,'.repeat(8192)}1]}`, 'too_large', /names: 8193/],
    [`{"accepted":1,"directives":[${'1,'.repeat(64)}1]}`, 'too_large', /directives: 65/],
    ['{"accepted":1,"directives":[{"kind":"x"}]}', 'malformed', /directives\[0\]\.fencing/],
    [`{"accepted":1${' '.repeat(MAX_REPLY_BYTES)}}`, 'too_large', /bytes of the reply/],
  ])('is refused when it is %.40s', (body, code, message) => {
    expect(decodeReply(bytes(body))).toEqual({ kind: 'refused', code, message: expect.stringMatching(message) });
  });

  it('never throws, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (body) => {
        for (const decoded of [decodeReply(body), decodePushError(body)])
          expect(decoded.kind === 'refused' && decoded.message).not.toMatch(/^decoder fault/);
      }),
    );
  });
});

describe('a refusal of a push', () => {
  it.each(codes)('comes back as it was: %s', (code) => {
    const error = { code, message: 'why', accepts: ['a/b'] };
    expect(decodePushError(encodePushError(error))).toEqual({ kind: 'error', error });
  });

  it('has a status of its own for each thing that an agent does about it', () => {
    const { forbidden, ...others } = PUSH_ERROR_STATUS;
    expect(new Set(Object.values(others)).size).toBe(codes.length - 1);
    // For both the agent backs off; one that is a version behind and does not know "forbidden" goes by the status.
    expect(forbidden).toBe(others.foreign_node);
  });

  it('lists no versions unless it has some', () => {
    const error = { code: 'stale', message: 'old' } as const;
    expect(decodePushError(encodePushError(error))).toEqual({ kind: 'error', error });
  });

  it('is refused itself when its code is not known', () => {
    expect(decodePushError(bytes('{"code":"sulking","message":""}'))).toMatchObject({
      kind: 'refused',
      code: 'malformed',
      message: expect.stringMatching(/^code: is none of malformed/),
    });
  });
});
