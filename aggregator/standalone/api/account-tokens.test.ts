import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClaims } from '../../intake/agent-token.ts';
import { API_AUDIENCE, createTokenAuthority } from './account-tokens.ts';

const WALL_MS = Date.parse('2026-11-23T12:00:00Z');
const ORDER = {
  namespace: 'a',
  serviceAccount: { name: 'b', uid: 'sa-uid' },
  audiences: ['headroom'],
  lifetimeS: 600,
  pod: { name: 'p', uid: 'p-uid' },
  node: { name: 'n1', uid: 'n-uid' },
};

describe('a token', () => {
  it('names its ServiceAccount, pod and node to those it is for', () => {
    const authority = createTokenAuthority(() => WALL_MS);
    const { token, expiresMs } = authority.mint(ORDER);
    expect(expiresMs).toBe(WALL_MS + 600_000);
    expect(authority.read(token, ['x', 'headroom'])).toEqual({
      kind: 'valid',
      audiences: ['headroom'],
      user: {
        name: 'system:serviceaccount:a:b',
        uid: 'sa-uid',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/)],
          'authentication.kubernetes.io/pod-name': ['p'],
          'authentication.kubernetes.io/pod-uid': ['p-uid'],
          'authentication.kubernetes.io/node-name': ['n1'],
          'authentication.kubernetes.io/node-uid': ['n-uid'],
        },
      },
    });
  });

  it('is not for the API unless it was asked for without an audience', () => {
    const authority = createTokenAuthority(() => WALL_MS);
    expect(authority.read(authority.mint(ORDER).token, [])).toMatchObject({ kind: 'invalid' });
    const { token } = authority.mint({ ...ORDER, audiences: [] });
    expect(authority.read(token, [])).toMatchObject({ kind: 'valid', audiences: [API_AUDIENCE] });
    expect(authority.read(token, ['headroom'])).toMatchObject({ kind: 'invalid' });
  });

  it('ends with its time and with its signer', () => {
    let nowMs = WALL_MS;
    const authority = createTokenAuthority(() => nowMs);
    const { token } = authority.mint(ORDER);
    expect(createTokenAuthority(() => nowMs).read(token, ['headroom'])).toMatchObject({ kind: 'invalid' });
    nowMs += 600_000;
    expect(authority.read(token, ['headroom'])).toEqual({ kind: 'invalid', reason: 'token has expired' });
  });

  it('says of itself what a projected token says', () => {
    const { token } = createTokenAuthority(() => WALL_MS).mint(ORDER);
    expect(readClaims(token)).toEqual({ audiences: ['headroom'], expiresMs: WALL_MS + 600_000, node: 'n1' });
  });

  it('is worth nothing when anything in it was changed', () => {
    const authority = createTokenAuthority(() => WALL_MS);
    const { token } = authority.mint(ORDER);
    const changed = fc.tuple(fc.nat(token.length - 1), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(changed, ([at, text]) => {
        const other = token.slice(0, at) + text + token.slice(at + 1);
        fc.pre(other !== token);
        expect(authority.read(other, ['headroom']).kind).toBe('invalid');
      }),
    );
  });
});
