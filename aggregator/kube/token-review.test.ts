import { describe, expect, it } from 'vitest';
import type { Reviewed } from './review.ts';
import { createTokenReview } from './token-review.ts';

function answering(status: Readonly<Record<string, unknown>> | undefined, audience?: string) {
  const asked: unknown[] = [];
  const reviewed: Reviewed = status ? { kind: 'answered', status } : { kind: 'unavailable', reason: 'away' };
  const review = createTokenReview((path, body) => {
    asked.push([path, body]);
    return Promise.resolve(reviewed);
  }, audience);
  return { review, asked };
}

const USER = { username: 'system:serviceaccount:a:b', uid: 'u', groups: ['g'], extra: { k: ['v'] } };

describe('createTokenReview', () => {
  it('asks for its audience and reads the user', async () => {
    const { review, asked } = answering({ authenticated: true, user: USER, audiences: ['x', 'headroom'] }, 'headroom');
    const user = { name: 'system:serviceaccount:a:b', uid: 'u', groups: ['g'], extra: { k: ['v'] } };
    expect(await review('t')).toEqual({ kind: 'authenticated', user });
    const spec = { token: 't', audiences: ['headroom'] };
    const path = '/apis/authentication.k8s.io/v1/tokenreviews';
    expect(asked).toEqual([[path, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec }]]);
  });

  it('asks for no audience where none is wanted', async () => {
    const { review, asked } = answering({ authenticated: true, user: USER });
    expect(await review('t')).toMatchObject({ kind: 'authenticated' });
    expect(asked).toMatchObject([[expect.any(String), { spec: { token: 't' } }]]);
  });

  it.each([[undefined], [[]], [['https://kubernetes.default.svc']], ['headroom'], [[1]]])(
    'takes no token whose audiences are %j',
    async (audiences) => {
      const { review } = answering({ authenticated: true, user: USER, audiences }, 'headroom');
      expect(await review('t')).toEqual({ kind: 'rejected', reason: 'the token is not for the audience "headroom"' });
    },
  );

  it.each([
    [{ authenticated: false, error: 'token has expired' }, 'token has expired'],
    [{}, 'invalid bearer token'],
    [{ authenticated: 'true', user: USER }, 'invalid bearer token'],
    [{ authenticated: true }, 'the token is nobody’s'],
    [{ authenticated: true, user: { username: '' } }, 'the token is nobody’s'],
    [{ authenticated: true, user: [] }, 'the token is nobody’s'],
  ])('rejects on %j', async (status, reason) => {
    expect(await answering(status).review('t')).toEqual({ kind: 'rejected', reason });
  });

  it('tells a server that is away from a token that is wrong', async () => {
    expect(await answering(undefined).review('t')).toEqual({ kind: 'unavailable', reason: 'away' });
  });
});
