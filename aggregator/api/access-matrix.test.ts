// Who gets what: each identity that the API server's rights give nothing, something or everything, on each kind of path.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startMetricsApi } from '../../test/fakes/metrics-api.ts';
import type { Ask, MetricsApi } from '../../test/fakes/metrics-api.ts';
import type { AccessAttributes, AccessVerdict } from '../kube/access-review.ts';
import type { TokenVerdict } from '../kube/token-review.ts';
import type { User } from '../kube/user.ts';

const PATHS = {
  nodes: '/apis/metrics.k8s.io/v1/nodes',
  'old nodes': '/apis/metrics.k8s.io/v1beta1/nodes',
  'one node': '/apis/metrics.k8s.io/v1/nodes/n1',
  'all pods': '/apis/metrics.k8s.io/v1/pods',
  'pods of a': '/apis/metrics.k8s.io/v1/namespaces/a/pods',
  'pods of b': '/apis/metrics.k8s.io/v1beta1/namespaces/b/pods',
  'a pod of b': '/apis/metrics.k8s.io/v1/namespaces/b/pods/second',
  metrics: '/metrics',
  'what is missing': '/debug/missing',
  discovery: '/apis/metrics.k8s.io/v1',
  version: '/version',
  readyz: '/livez',
  nothing: '/nothing',
} as const;

type PathName = keyof typeof PATHS;
const ALL = Object.keys(PATHS) as PathName[];

/** RBAC of this cluster: `reader` reads pods of namespace a, `scraper` reads /metrics, who is authenticated reads discovery. */
function rbac({ name, groups }: User, act: AccessAttributes): boolean {
  const isKnown = groups.includes('system:authenticated');
  if (act.kind === 'path') {
    return (isKnown && /^\/(apis|version)/.test(act.path)) || (name === 'scraper' && act.path === '/metrics');
  }
  return name === 'reader' && act.namespace === 'a' && act.resource === 'pods';
}

const reviewAccess = (user: User, act: AccessAttributes): Promise<AccessVerdict> =>
  Promise.resolve(rbac(user, act) ? { kind: 'allowed' } : { kind: 'denied', reason: '' });
const reviewToken = (token: string): Promise<TokenVerdict> =>
  Promise.resolve(
    token === 'away'
      ? { kind: 'unavailable', reason: 'away' }
      : { kind: 'authenticated', user: { name: token, uid: '', groups: [], extra: {} } },
  );

let api: MetricsApi;
beforeAll(async () => void (api = await startMetricsApi({ reviewAccess, reviewToken })));
afterAll(() => api.close());

const REMOTE = { 'x-remote-user': 'reader', 'x-remote-group': 'dev' };
const MASTER = { 'x-remote-user': 'root', 'x-remote-group': 'system:masters' };

const IDENTITIES: Readonly<Record<string, { ask: () => Ask; gets: readonly PathName[]; else: number }>> = {
  nobody: { ask: () => ({}), gets: ['readyz'], else: 403 },
  'nobody who says to be somebody': { ask: () => ({ headers: MASTER }), gets: ['readyz'], else: 403 },
  'a token without rights': { ask: bearer('none'), gets: ['readyz', 'discovery', 'version'], else: 403 },
  'a token with system:masters in a header': {
    ask: () => ({ headers: { ...MASTER, authorization: 'Bearer none' } }),
    gets: ['readyz', 'discovery', 'version'],
    else: 403,
  },
  'a token that can’t be reviewed': { ask: bearer('away'), gets: ['readyz'], else: 401 },
  'a reader of one namespace': {
    ask: bearer('reader'),
    gets: ['readyz', 'discovery', 'version', 'pods of a'],
    else: 403,
  },
  'the same through the front proxy': {
    ask: () => ({ who: api.pki.frontProxyClient, headers: REMOTE }),
    gets: ['readyz', 'discovery', 'version', 'pods of a'],
    else: 403,
  },
  Prometheus: { ask: bearer('scraper'), gets: ['readyz', 'discovery', 'version', 'metrics'], else: 403 },
  'the availability check of kube-apiserver': {
    ask: () => ({ who: api.pki.frontProxyClient, headers: { 'x-remote-user': 'system:kube-aggregator' } }),
    gets: ['readyz', 'discovery', 'version'],
    else: 403,
  },
  'the front proxy in nobody’s name': { ask: () => ({ who: api.pki.frontProxyClient }), gets: ['readyz'], else: 401 },
  'a server’s certificate': { ask: () => ({ who: api.pki.serving, headers: REMOTE }), gets: ['readyz'], else: 401 },
  'an administrator': { ask: () => ({ who: api.pki.admin }), gets: ALL, else: 403 },
  'an administrator through the front proxy': {
    ask: () => ({ who: api.pki.frontProxyClient, headers: MASTER }),
    gets: ALL,
    else: 403,
  },
};

function bearer(token: string): () => Ask {
  return () => ({ headers: { authorization: `Bearer ${token}` } });
}

it.each(Object.entries(IDENTITIES))('%s gets exactly what it may', async (_who, { ask, gets, else: refusal }) => {
  for (const name of ALL) {
    const { code, body } = await api.ask(PATHS[name], ask());
    const may = name === 'nothing' ? 404 : 200;
    expect([name, code]).toEqual([name, gets.includes(name) ? may : refusal]);
    if (!gets.includes(name)) expect(body.toString()).not.toContain('usage');
  }
});
