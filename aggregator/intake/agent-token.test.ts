import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClaims } from './agent-token.ts';

function token(claims: unknown): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
}

describe('readClaims', () => {
  it('reads audiences, end and node', () => {
    const claims = { aud: ['a', 'b'], exp: 1_800_000_000, 'kubernetes.io': { node: { name: 'n1', uid: 'u' } } };
    expect(readClaims(token(claims))).toEqual({ audiences: ['a', 'b'], expiresMs: 1_800_000_000_000, node: 'n1' });
    expect(readClaims(token({ aud: 'a' }))).toEqual({ audiences: ['a'], expiresMs: Infinity, node: '' });
  });

  it.each(['', 'opaque', 'a.b', 'a.b.c.d', 'a.!!!.c', `a.${Buffer.from('{').toString('base64url')}.c`])(
    'finds none in %j',
    (text) => {
      expect(readClaims(text)).toBeUndefined();
    },
  );

  it('never throws, and never invents, whatever the claims are', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (claims) => {
        const read = readClaims(token(claims));
        expect(read?.audiences.every((one) => typeof one === 'string')).toBe(true);
        expect(typeof read?.node).toBe('string');
        expect(Number.isNaN(read?.expiresMs)).toBe(false);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void readClaims(text)));
  });
});
