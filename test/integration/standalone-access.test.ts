// Reviews, token requests and rights of the in-memory API, as the real kubectl and other servers ask for them.
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTokenReview } from '../../aggregator/kube/token-review.ts';
import { createAccessReview } from '../../aggregator/kube/access-review.ts';
import type { AccessAttributes } from '../../aggregator/kube/access-review.ts';
import { createKubeHttp } from '../../aggregator/kube/http.ts';
import { createReview } from '../../aggregator/kube/review.ts';
import type { User } from '../../aggregator/kube/user.ts';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { createClusterObjects } from '../../aggregator/standalone/cluster-objects.ts';
import type { TestCluster } from './standalone-cluster.ts';
import { startCluster } from './standalone-cluster.ts';

const SYSTEM = 'headroom-system';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startCluster();
  const { store, pki } = cluster;
  // What is in a cluster of one from its beginning.
  const made = createClusterObjects(pki, Date.now);
  for (const resource of ['namespaces', 'serviceaccounts', 'configmaps'])
    for (const object of made.list(resource)) store.create(resource, object);
});
afterAll(() => cluster.close());

interface Reply {
  readonly code: number;
  readonly message?: string;
  readonly status?: unknown;
}

function ask(path: string, how: RequestOptions, body = ''): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${cluster.api.url}${path}`, { ca: cluster.pki.ca, agent: false, ...how }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ ...(JSON.parse(text) as object), code: response.statusCode ?? 0 }));
    });
    outgoing.on('error', reject).end(body);
  });
}

function get(path: string, bearer: string): Promise<Reply> {
  return ask(path, { headers: { authorization: `Bearer ${bearer}` } });
}

/** As an administrator; kubectl itself speaks protobuf here, which this API does not. */
function post(path: string, spec: object): Promise<Reply> {
  const headers = { 'content-type': 'application/json' };
  return ask(path, { method: 'POST', headers, ...cluster.pki.admin }, JSON.stringify({ spec }));
}

function requestToken(account: string, spec: object = {}): Promise<Reply> {
  return post(`/api/v1/namespaces/${SYSTEM}/serviceaccounts/${account}/token`, spec);
}

async function token(account: string, spec: object = {}): Promise<string> {
  const { code, status } = await requestToken(account, spec);
  expect(code).toBe(201);
  return (status as { readonly token: string }).token;
}

function kubeHttp(bearer: string): ReturnType<typeof createKubeHttp> {
  const headers = () => Promise.resolve({ authorization: `Bearer ${bearer}` });
  return createKubeHttp(
    { server: cluster.api.url, tls: { ca: cluster.pki.ca }, namespace: undefined, headers },
    'test',
  );
}

describe('the aggregator’s ServiceAccount', () => {
  it('has tokens reviewed: an agent’s, for its audience, tells the node that it is bound to', async () => {
    cluster.store.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
    const http = kubeHttp(await token('headroom-aggregator'));
    const review = createReview({ http, log: silentLogger });
    const boundObjectRef = { kind: 'Node', apiVersion: 'v1', name: 'n1' };
    const agent = await token('headroom-agent', { audiences: ['headroom'], boundObjectRef });
    expect(await createTokenReview(review, 'headroom')(agent)).toMatchObject({
      kind: 'authenticated',
      user: {
        name: 'system:serviceaccount:headroom-system:headroom-agent',
        extra: { 'authentication.kubernetes.io/node-name': ['n1'] },
      },
    });
    expect(await createTokenReview(review)(agent)).toMatchObject({ kind: 'rejected' });
    expect(await createTokenReview(review, 'headroom')(`${agent}x`)).toMatchObject({ kind: 'rejected' });
    await http.close();
  });

  it('has rights reviewed', async () => {
    const http = kubeHttp(await token('headroom-aggregator'));
    const review = createAccessReview(createReview({ http, log: silentLogger }));
    const someone: User = { name: 'someone', uid: '', groups: ['system:authenticated'], extra: {} };
    const path: AccessAttributes = { kind: 'path', verb: 'get', path: '/metrics' };
    expect(await review(someone, path)).toEqual({ kind: 'denied', reason: '' });
    expect(await review(someone, { ...path, path: '/apis/metrics.k8s.io/v1' })).toEqual({ kind: 'allowed' });
    expect(await review({ ...someone, groups: ['system:masters'] }, path)).toEqual({ kind: 'allowed' });
    await http.close();
  });

  it('reads what it needs and nothing else', async () => {
    const bearer = await token('headroom-aggregator');
    expect((await get('/api/v1/pods', bearer)).code).toBe(200);
    const trust =
      '/api/v1/namespaces/kube-system/configmaps?fieldSelector=metadata.name%3Dextension-apiserver-authentication';
    expect(await get(trust, bearer)).toMatchObject({
      code: 200,
      items: [{ data: { 'client-ca-file': cluster.pki.ca } }],
    });
    expect(await get('/api/v1/namespaces/default/configmaps', bearer)).toMatchObject({
      code: 403,
      message:
        'configmaps is forbidden: User "system:serviceaccount:headroom-system:headroom-aggregator" cannot list resource "configmaps" in API group "" in the namespace "default"',
    });
  });
});

describe('the agent’s ServiceAccount', () => {
  it('has no right to anything, and its projected token is no token for the API', async () => {
    expect((await get('/api/v1/pods', await token('headroom-agent'))).code).toBe(403);
    expect((await get('/api/v1/pods', await token('headroom-agent', { audiences: ['headroom'] }))).code).toBe(401);
  });
});

describe('anyone', () => {
  it('is told what may be done', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const review = { resourceAttributes: { verb: 'delete', resource: 'pods' } };
    expect(await post(path, review)).toMatchObject({ code: 201, status: { allowed: true } });
    const headers = { authorization: `Bearer ${await token('headroom-agent')}`, 'content-type': 'application/json' };
    const asAgent = await ask(path, { method: 'POST', headers }, JSON.stringify({ spec: review }));
    expect(asAgent).toMatchObject({ code: 201, status: { allowed: false } });
  });

  it('gets no token for who is not there, for less than ten minutes, or bound to nothing', async () => {
    expect(await requestToken('nobody')).toMatchObject({ code: 404, message: 'serviceaccounts "nobody" not found' });
    expect(await requestToken('headroom-agent', { expirationSeconds: 60 })).toMatchObject({ code: 400 });
    const boundObjectRef = { kind: 'Node', name: 'elsewhere' };
    expect(await requestToken('headroom-agent', { boundObjectRef })).toMatchObject({ code: 400 });
  });

  it('sees ServiceAccounts and ConfigMaps with kubectl', async () => {
    const { stdout } = await cluster.kubectl('get', 'sa,cm', '-A', '-o', 'name');
    expect(stdout).toContain('serviceaccount/headroom-agent\n');
    expect(stdout).toContain('configmap/extension-apiserver-authentication\n');
  });
});
