import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessAttributes, AccessVerdict } from '../kube/access-review.ts';
import type { User } from '../kube/user.ts';
import { accessKey, createAdmit } from './access.ts';
import { accessAttributes } from './access-attributes.ts';
import type { Asked } from './access-attributes.ts';
import type { Identity } from './identity.ts';
import { resourcePath } from './path.ts';

const ALLOWED: AccessVerdict = { kind: 'allowed' };
const DENIED: AccessVerdict = { kind: 'denied', reason: '' };
const V1 = '/apis/metrics.k8s.io/v1';

function user(name: string, more: Partial<User> = {}): User {
  return { name, uid: '', groups: ['system:authenticated'], extra: {}, ...more };
}

function asked(path: string, method = 'GET'): Asked {
  return { method, path, query: undefined, target: resourcePath(path) };
}

function gate(review: (user: User, attributes: AccessAttributes) => AccessVerdict) {
  const reviews: string[] = [];
  const refused: [number, string, string][] = [];
  let identity: Identity = { kind: 'user', user: user('alice') };
  let nowMs = 0;
  const admit = createAdmit({
    identify: () => identity,
    reviewAccess: (who, attributes) => {
      reviews.push(who.name);
      return Promise.resolve(review(who, attributes));
    },
    alwaysAllowPaths: ['/healthz', '/open/*'],
    authorizedTtlMs: 10,
    unauthorizedTtlMs: 5,
    monoMs: () => nowMs,
    onRefused: (...given) => refused.push(given),
  });
  const message = { url: '/the/url' } as IncomingMessage;
  return {
    reviews,
    refused,
    as: (who: Identity | User) => (identity = 'kind' in who ? who : { kind: 'user', user: who }),
    at: (ms: number) => (nowMs = ms),
    admit: (path: string, method?: string) => admit(message, asked(path, method)),
  };
}

describe('createAdmit', () => {
  it('asks once for a decision that counts, and again when its time is over', async () => {
    const { admit, reviews, at } = gate(() => ALLOWED);
    for (const ms of [0, 5, 9]) {
      at(ms);
      expect(await admit(`${V1}/nodes`)).toBeUndefined();
    }
    expect(reviews).toHaveLength(1);
    at(10);
    await admit(`${V1}/nodes`);
    expect(reviews).toHaveLength(2);
  });

  it('keeps a denial for its own time, and lets in who got the right meanwhile', async () => {
    let verdict: AccessVerdict = DENIED;
    const { admit, reviews, at } = gate((): AccessVerdict => verdict);
    expect(await admit('/metrics')).toMatchObject({ code: 403 });
    verdict = ALLOWED;
    at(4);
    expect(await admit('/metrics')).toMatchObject({ code: 403 });
    at(5);
    expect(await admit('/metrics')).toBeUndefined();
    expect(reviews).toHaveLength(2);
  });

  it('says who may not do what, in the words of kubectl', async () => {
    const { admit } = gate(() => DENIED);
    const messages = [];
    for (const path of [`${V1}/pods`, `${V1}/namespaces/y/pods`, `${V1}/namespaces/y/pods/p`, '/metrics']) {
      messages.push(((await admit(path)) as { message: string }).message);
    }
    expect(messages).toEqual([
      'pods.metrics.k8s.io is forbidden: User "alice" cannot list resource "pods" in API group "metrics.k8s.io" at the cluster scope',
      'pods.metrics.k8s.io is forbidden: User "alice" cannot list resource "pods" in API group "metrics.k8s.io" in the namespace "y"',
      'pods.metrics.k8s.io "p" is forbidden: User "alice" cannot get resource "pods" in API group "metrics.k8s.io" in the namespace "y"',
      'forbidden: User "alice" cannot get path "/metrics"',
    ]);
  });

  it('tells the reason of the authorizer, and lets no name write markup', async () => {
    const { admit, as } = gate(() => ({ kind: 'denied', reason: 'RBAC: clusterrole "x" not found' }));
    as(user('<b>&'));
    expect(await admit('/metrics')).toEqual({
      kind: 'refusal',
      code: 403,
      reason: 'Forbidden',
      message: 'forbidden: User "&lt;b&gt;&amp;" cannot get path "/metrics": RBAC: clusterrole "x" not found',
      details: {},
    });
    expect(await admit(`${V1}/nodes/n1`)).toMatchObject({
      details: { name: 'n1', group: 'metrics.k8s.io', kind: 'nodes' },
    });
  });

  it('answers 500 when nobody can say, remembers nothing of it, and 401 to those who are nobody', async () => {
    const { admit, as, reviews, refused } = gate(() => ({ kind: 'unavailable', reason: 'no answer in time' }));
    const answer = (await admit('/metrics')) as { code: number; chunks: readonly Buffer[] };
    expect([answer.code, String(answer.chunks[0])]).toEqual([
      500,
      'Internal Server Error: "/the/url": no answer in time\n',
    ]);
    await admit('/metrics');
    expect(reviews).toHaveLength(2);
    as({ kind: 'unauthorized', reason: 'expired' });
    expect(await admit('/metrics')).toMatchObject({ code: 401, message: 'Unauthorized' });
    expect(refused.at(-1)).toEqual([401, 'expired', '/metrics']);
  });

  it('lets anyone get the open paths without asking who it is, but no resource', async () => {
    const { admit, as, reviews } = gate(() => DENIED);
    as({ kind: 'unauthorized', reason: 'a broken token' });
    expect([admit('/healthz'), admit('/open/a')]).toEqual([undefined, undefined]);
    expect(await admit('/healthz/ping')).toMatchObject({ code: 401 });
    expect(reviews).toEqual([]);
  });

  it('asks nothing for system:masters, nor for discovery by kube-apiserver itself', async () => {
    const { admit, as, reviews } = gate(() => DENIED);
    as(user('anyone', { groups: ['system:masters'] }));
    expect(await admit(`${V1}/pods`)).toBeUndefined();
    as(user('system:kube-aggregator'));
    for (const path of [
      '/apis',
      '/api',
      '/apis/metrics.k8s.io',
      V1,
      '/openapi/v2',
      '/openapi/v3/apis/metrics.k8s.io/v1',
    ])
      expect(await admit(path)).toBeUndefined();
    expect(reviews).toEqual([]);
    for (const [path, method] of [
      [`${V1}/pods`],
      ['/metrics'],
      ['/apis', 'POST'],
      ['/apisx'],
      ['/openapi/v3x'],
    ] as const)
      expect(await admit(path, method)).toMatchObject({ code: 403 });
  });

  it('shares one review among requests that come at once', async () => {
    const { admit, reviews } = gate(() => ALLOWED);
    await Promise.all(Array.from({ length: 100 }, async () => admit(`${V1}/pods`)));
    expect(reviews).toHaveLength(1);
  });
});

const word = fc.constantFrom('', 'a', 'b', 'a"', '","', '[', 'ä', 'x'.repeat(600));
const someone = fc.record({
  name: word,
  uid: word,
  groups: fc.array(word, { maxLength: 3 }),
  extra: fc.dictionary(word, fc.array(word, { maxLength: 2 }), { maxKeys: 2 }),
});
const something = fc.oneof(
  fc.record({ kind: fc.constant('path' as const), verb: word, path: word }),
  fc.record({
    kind: fc.constant('resource' as const),
    verb: word,
    group: word,
    version: word,
    resource: word,
    subresource: word,
    namespace: word,
    name: word,
  }),
);

describe('accessKey', () => {
  it('is the same for two questions only if they are the same question', () => {
    const normal = ({ extra, ...rest }: User): unknown => ({
      ...rest,
      extra: Object.entries(extra).sort(([a], [b]) => (a < b ? -1 : 1)),
    });
    fc.assert(
      fc.property(someone, something, someone, something, (one, act, other, otherAct) => {
        const same = accessKey(one, act) === accessKey(other, otherAct);
        const equal =
          JSON.stringify([normal(one), act]) === JSON.stringify([normal(other), otherAct]) &&
          act.kind === otherAct.kind;
        expect(same).toBe(equal);
      }),
      { numRuns: 2000 },
    );
  });

  it('is short however many groups there are, and tells them apart all the same', () => {
    const groups = Array.from({ length: 5000 }, (_, at) => `group-${at}`);
    const act = { kind: 'path', verb: 'get', path: '/metrics' } as const;
    const [with5000, with4999] = [user('a', { groups }), user('a', { groups: groups.slice(1) })];
    expect(accessKey(with5000, act).length).toBeLessThan(64);
    expect(accessKey(with5000, act)).not.toBe(accessKey(with4999, act));
  });
});

describe('cached decisions', () => {
  it('never let in whom the API server would not, in any order of requests', async () => {
    const paths = [`${V1}/pods`, `${V1}/nodes`, `${V1}/namespaces/a/pods`, `${V1}/namespaces/b/pods`, '/metrics'];
    const step = fc.record({
      who: fc.constantFrom('alice', 'bob'),
      groups: fc.subarray(['dev', 'ops']),
      path: fc.constantFrom(...paths),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.infiniteStream(fc.boolean()), async (steps, coin) => {
        const may = new Map<string, boolean>();
        const decide = (key: string): boolean => {
          if (!may.has(key)) may.set(key, coin.next().value);
          return may.get(key)!;
        };
        const keyOf = (who: User, act: AccessAttributes): string => JSON.stringify([who.name, who.groups, act]);
        const { admit, as } = gate((who, act) => (decide(keyOf(who, act)) ? ALLOWED : DENIED));
        for (const { who, groups, path } of steps) {
          const someUser = user(who, { groups });
          as(someUser);
          const answer = await admit(path);
          expect(answer === undefined).toBe(decide(keyOf(someUser, accessAttributes(asked(path)))));
        }
      }),
      { numRuns: 100 },
    );
  });
});
