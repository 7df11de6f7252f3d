import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrontProxyTrust } from '../kube/client-trust.ts';
import { USUAL_HEADERS } from '../kube/client-trust.ts';
import { remoteUser } from './front-proxy.ts';

const TRUST: FrontProxyTrust = { ca: '', allowedNames: [], ...USUAL_HEADERS };

/** As Go writes text into a header and node:http reads it. */
function onTheWire(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('remoteUser', () => {
  it('reads the name, the uid, each group and the extra fields', () => {
    const user = remoteUser(
      {
        'x-remote-user': ['alice'],
        'x-remote-uid': ['42'],
        'x-remote-group': ['dev', 'ops, and more', ''],
        'x-remote-extra-scopes': ['read', 'write'],
        'x-remote-extra-example.com%2fa%20key': ['v'],
        'x-remote-extra-50%': ['kept as it is'],
        'x-remote-other': ['no'],
      },
      TRUST,
    );
    expect(user).toEqual({
      name: 'alice',
      uid: '42',
      groups: ['dev', 'ops, and more'],
      extra: { scopes: ['read', 'write'], 'example.com/a key': ['v'], '50%': ['kept as it is'] },
    });
  });

  it('names nobody without a name, whatever else is there', () => {
    expect(remoteUser({ 'x-remote-group': ['system:masters'] }, TRUST)).toBeUndefined();
    expect(remoteUser({ 'x-remote-user': ['', 'second'] }, TRUST)).toBeUndefined();
  });

  it('takes the first of a header that comes twice, and the next header where one is empty', () => {
    expect(remoteUser({ 'x-remote-user': ['alice', 'root'] }, TRUST)?.name).toBe('alice');
    const two = { ...TRUST, usernameHeaders: ['x-user', 'x-remote-user'] };
    expect(remoteUser({ 'x-user': [''], 'x-remote-user': ['bob'] }, two)?.name).toBe('bob');
  });

  it('reads only the headers that are configured', () => {
    const trust = { ...TRUST, usernameHeaders: ['x-user'], groupHeaders: [], extraHeaderPrefixes: [] };
    const headers = { 'x-user': ['a'], 'x-remote-user': ['b'], 'x-remote-group': ['g'], 'x-remote-extra-a': ['c'] };
    expect(remoteUser(headers, trust)).toEqual({ name: 'a', uid: '', groups: [], extra: {} });
    expect(remoteUser(headers, { ...trust, usernameHeaders: [] })).toBeUndefined();
  });

  it('is not taken in by names that every object has', () => {
    const trust = { ...TRUST, usernameHeaders: ['constructor', 'tostring', '__proto__'], groupHeaders: ['valueof'] };
    expect(remoteUser({}, trust)).toBeUndefined();
    const extra = remoteUser({ 'x-remote-user': ['a'], 'x-remote-extra-__proto__': ['v'] }, TRUST)?.extra;
    expect(Object.entries(extra ?? {})).toEqual([['__proto__', ['v']]]);
  });

  it('reads back every name, group and extra key that kube-aggregator writes', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((one) => one.toLowerCase());
    fc.assert(
      fc.property(text, fc.array(text), fc.dictionary(key, fc.array(text, { minLength: 1 })), (name, groups, extra) => {
        const headers = {
          'x-remote-user': [onTheWire(name)],
          'x-remote-group': groups.map(onTheWire),
          ...Object.fromEntries(
            Object.entries(extra).map(([one, values]) => [
              `x-remote-extra-${encodeURIComponent(one).toLowerCase()}`,
              values.map(onTheWire),
            ]),
          ),
        };
        expect(remoteUser(headers, TRUST)).toEqual({ name, uid: '', groups, extra: { ...extra } });
      }),
    );
  });
});
