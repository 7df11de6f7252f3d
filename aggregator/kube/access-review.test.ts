import { describe, expect, it } from 'vitest';
import { createAccessReview } from './access-review.ts';
import type { AccessAttributes } from './access-review.ts';
import type { User } from './user.ts';

const USER: User = { name: 'alice', uid: 'u', groups: ['dev'], extra: { k: ['v'] } };
const PATH: AccessAttributes = { kind: 'path', verb: 'get', path: '/metrics' };
const PODS: AccessAttributes = {
  kind: 'resource',
  verb: 'list',
  group: 'metrics.k8s.io',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'shop',
  name: '',
};

async function asked(user: User, attributes: AccessAttributes): Promise<unknown> {
  let spec: unknown;
  await createAccessReview((_path, body) => {
    ({ spec } = body as { spec: unknown });
    return Promise.resolve({ kind: 'answered', status: {} });
  })(user, attributes);
  return spec;
}

describe('createAccessReview', () => {
  it('asks with all that is known of the user, and leaves out what is empty', async () => {
    expect(await asked(USER, PODS)).toEqual({
      user: 'alice',
      uid: 'u',
      groups: ['dev'],
      extra: { k: ['v'] },
      resourceAttributes: { verb: 'list', group: 'metrics.k8s.io', version: 'v1', resource: 'pods', namespace: 'shop' },
    });
    expect(await asked({ ...USER, uid: '', extra: {} }, PATH)).toEqual({
      user: 'alice',
      groups: ['dev'],
      nonResourceAttributes: { verb: 'get', path: '/metrics' },
    });
  });

  it.each([
    [{ allowed: true }, { kind: 'allowed' }],
    [
      { allowed: false, reason: 'no' },
      { kind: 'denied', reason: 'no' },
    ],
    [{ denied: true }, { kind: 'denied', reason: '' }],
    [{ allowed: 'true' }, { kind: 'denied', reason: '' }],
    [{ allowed: 1 }, { kind: 'denied', reason: '' }],
    [{}, { kind: 'denied', reason: '' }],
    [
      { allowed: true, denied: true },
      { kind: 'unavailable', reason: 'the review both allows and denies' },
    ],
  ])('reads %j', async (status, verdict) => {
    const review = createAccessReview(() => Promise.resolve({ kind: 'answered', status }));
    expect(await review(USER, PATH)).toEqual(verdict);
  });
});
