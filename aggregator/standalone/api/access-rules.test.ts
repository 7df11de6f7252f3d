import { describe, expect, it } from 'vitest';
import { accessAttributes } from '../../api/access-attributes.ts';
import type { User } from '../../kube/user.ts';
import { AGGREGATOR_USER, mayDo } from './access-rules.ts';

function user(name: string, ...groups: readonly string[]): User {
  return { name, uid: '', groups: ['system:authenticated', ...groups], extra: {} };
}

function may(who: User, method: string, path: string): boolean {
  return mayDo(who, accessAttributes({ method, path, query: undefined, target: undefined }));
}

describe('mayDo', () => {
  const aggregator = user(AGGREGATOR_USER);

  it.each([
    ['GET', '/api/v1/nodes'],
    ['GET', '/api/v1/pods'],
    ['GET', '/api/v1/namespaces/a/pods/p'],
    ['PATCH', '/api/v1/namespaces/a/pods/p/resize'],
    ['POST', '/api/v1/namespaces/a/events'],
    ['GET', '/api/v1/namespaces/kube-system/configmaps'],
    ['POST', '/apis/authentication.k8s.io/v1/tokenreviews'],
    ['POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews'],
    ['GET', '/version'],
    ['GET', '/apis/metrics.k8s.io/v1'],
  ])('lets the aggregator %s %s', (method, path) => {
    expect(may(aggregator, method, path)).toBe(true);
  });

  it.each([
    ['PATCH', '/api/v1/namespaces/a/pods/p'],
    ['DELETE', '/api/v1/namespaces/a/pods/p'],
    ['GET', '/api/v1/namespaces/a/configmaps'],
    ['POST', '/api/v1/namespaces/headroom-system/serviceaccounts/headroom-agent/token'],
    ['GET', '/apis/metrics.k8s.io/v1/nodes'],
    ['GET', '/metrics'],
    ['POST', '/version'],
  ])('does not let the aggregator %s %s', (method, path) => {
    expect(may(aggregator, method, path)).toBe(false);
  });

  it('gives the agent and everyone else discovery, the masters all, and nobody nothing', () => {
    const agent = user('system:serviceaccount:headroom-system:headroom-agent');
    expect([may(agent, 'GET', '/apis'), may(agent, 'GET', '/api/v1/pods')]).toEqual([true, false]);
    expect(may(user('__proto__'), 'GET', '/api/v1/pods')).toBe(false);
    expect(may(user('x', 'system:masters'), 'DELETE', '/api/v1/namespaces/a/pods/p')).toBe(true);
    const anonymous = { name: 'system:anonymous', uid: '', groups: ['system:unauthenticated'], extra: {} };
    expect(may(anonymous, 'GET', '/apis')).toBe(false);
  });
});
