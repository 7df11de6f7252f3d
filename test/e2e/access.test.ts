// Who gets metrics and who may push: every identity on every path, asked of kube-apiserver and of a replica itself.
// Contract: k8s.io/apiserver delegated authentication and authorization; ServiceAccount token node claims.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BATCH_BINARY_V1, BATCH_PATH } from '../../agent/protocol/batch.ts';
import type { Batch } from '../../agent/protocol/batch.ts';
import { encodeBatch } from '../../agent/protocol/codec.ts';
import { realisticBatch } from '../fixtures/batches/realistic-batch.ts';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import type { KeyPair } from './control-plane/pki.ts';
import { clientPair, createAuthority } from './control-plane/pki.ts';
import { install, SYSTEM } from './install.ts';
import type { Answer, Kube, KubeCredential } from './kube.ts';
import { openKube } from './kube.ts';
import { counted, GROUP, nodeMetrics } from './metrics.ts';
import type { Replica } from './replicas.ts';
import { openReplica, publishedCa, PUSH_NAME, PUSH_PORT, replicas } from './replicas.ts';
import { pod } from './workloads.ts';

let cluster: Cluster;
let replica: Replica;
let ca: string;

beforeAll(async () => {
  cluster = await startCluster({ nodes: ['n1', 'n2'].map((name) => ({ name, cgroups: 'files' as const })) });
  await install(cluster);
  await cluster.kubectlOk('create', 'namespace', 'mine');
  for (const account of ['nobody', 'viewer'])
    await cluster.kubectlOk('create', 'serviceaccount', account, '-n', 'mine');
  const rights = ['--clusterrole=view', '--serviceaccount=mine:viewer'];
  await cluster.kubectlOk('create', 'rolebinding', 'viewer', '-n', 'mine', ...rights);
  await cluster.apply(
    pod({ name: 'own', namespace: 'mine', containers: [{ name: 'main' }] }),
    pod({ name: 'other', containers: [{ name: 'main' }] }),
  );
  await counted(cluster, 'mine', 1);
  await counted(cluster, 'default', 1);
  replica = (await replicas(cluster))[0]!;
  ca = await publishedCa(cluster);
});

afterAll(async () => {
  await cluster?.close();
});

const PATHS = {
  'all pods': `${GROUP}/v1/pods`,
  'all nodes': `${GROUP}/v1/nodes`,
  'one node': `${GROUP}/v1beta1/nodes/n1`,
  'own pods': `${GROUP}/v1/namespaces/mine/pods`,
  'own pod': `${GROUP}/v1beta1/namespaces/mine/pods/own`,
  'other pods': `${GROUP}/v1beta1/namespaces/default/pods`,
  'other pod': `${GROUP}/v1/namespaces/default/pods/other`,
  '/metrics': '/metrics',
} as const;
type PathName = keyof typeof PATHS;
const ALL = Object.keys(PATHS) as PathName[];
const OWN: readonly PathName[] = ['own pods', 'own pod'];

interface Caller {
  readonly credential: Omit<KubeCredential, 'ca'>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What it gets; all other paths are refused. */
  readonly gets: readonly PathName[];
  /** How: 403 for who is known, 401 for whose credential is bad. */
  readonly refusal: 401 | 403;
}

async function tokenOf(account: string, audience?: string): Promise<string> {
  const args = ['create', 'token', account, '-n', account.startsWith('headroom') ? SYSTEM : 'mine'];
  return (await cluster.kubectlOk(...args, ...(audience === undefined ? [] : ['--audience', audience]))).trim();
}

const certificate = ({ cert, key }: KeyPair): Omit<KubeCredential, 'ca'> => ({ cert, key });

const CALLERS: Readonly<Record<string, () => Promise<Caller>>> = {
  'nobody at all': async () => ({ credential: {}, gets: [], refusal: 403 }),
  'a token that is none': async () => ({ credential: { token: 'x.y.z' }, gets: [], refusal: 401 }),
  'an account without rights': async () => ({
    credential: { token: await tokenOf('nobody') },
    gets: [],
    refusal: 403,
  }),
  'a viewer of one namespace': async () => ({
    credential: { token: await tokenOf('viewer') },
    gets: OWN,
    refusal: 403,
  }),
  'the agent’s own account': async () => ({
    credential: { token: await tokenOf('headroom-agent') },
    gets: [],
    refusal: 403,
  }),
  'an agent’s token for pushing': async () => ({
    credential: { token: await tokenOf('headroom-agent', 'headroom') },
    gets: [],
    refusal: 401,
  }),
  'a client certificate without rights': async () => ({
    credential: certificate(await clientPair(cluster.controlPlane.pki.clusterCa, 'CN=jane,O=developers')),
    gets: [],
    refusal: 403,
  }),
  'a certificate of a stranger’s CA that says system:masters': async () => ({
    credential: certificate(await clientPair(await createAuthority('CN=kubernetes-ca'), 'CN=x,O=system:masters')),
    gets: [],
    refusal: 401,
  }),
  administrator: async () => ({ credential: certificate(cluster.controlPlane.pki.admin), gets: ALL, refusal: 403 }),
};

const MASTERS = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };

/** Only a replica itself can be tried with these. */
const FORGERS: Readonly<Record<string, () => Promise<Caller>>> = {
  'front-proxy headers without a certificate': async () => ({
    credential: {},
    headers: MASTERS,
    gets: [],
    refusal: 403,
  }),
  'front-proxy headers with a user’s certificate': async () => ({
    credential: certificate(await clientPair(cluster.controlPlane.pki.clusterCa, 'CN=front-proxy-client')),
    headers: MASTERS,
    gets: [],
    refusal: 403,
  }),
  'front-proxy headers with a certificate of another name': async () => ({
    credential: certificate(await clientPair(cluster.controlPlane.pki.frontProxyCa, 'CN=someone')),
    headers: MASTERS,
    gets: [],
    refusal: 401,
  }),
  'the front proxy for a user without rights': async () => ({
    credential: certificate(cluster.controlPlane.pki.frontProxyClient),
    headers: { 'x-remote-user': 'jane' },
    gets: [],
    refusal: 403,
  }),
  'the front proxy for a viewer of one namespace': async () => ({
    credential: certificate(cluster.controlPlane.pki.frontProxyClient),
    headers: { 'x-remote-user': 'system:serviceaccount:mine:viewer' },
    gets: OWN,
    refusal: 403,
  }),
  'the front proxy for an administrator': async () => ({
    credential: certificate(cluster.controlPlane.pki.frontProxyClient),
    headers: MASTERS,
    gets: ALL,
    refusal: 403,
  }),
};

/** Path → what came; a path with a metric in it that should not have one shows as such. */
async function table(kube: Kube, { headers = {}, gets, refusal }: Caller, paths: readonly PathName[]): Promise<object> {
  const cells = await Promise.all(
    paths.map(async (name) => {
      const answer = await kube.call('GET', PATHS[name], { headers: { ...headers, accept: '*/*' } }).catch(broken);
      return [name, [answer.status, leaks(answer) && !gets.includes(name) ? 'LEAK' : '']] as const;
    }),
  );
  const wanted = paths.map((name) => [name, [gets.includes(name) ? 200 : refusal, '']] as const);
  return { came: Object.fromEntries(cells), wanted: Object.fromEntries(wanted) };
}

/** A handshake that is refused gives no metric either. */
function broken(): Answer {
  return { status: 401, headers: {}, body: Buffer.alloc(0) };
}

function leaks({ body }: Answer): boolean {
  return /"usage"|"cpu"|"rows"|^[a-z_]+\{/m.test(body.toString());
}

async function expectOnly(kube: Kube, caller: Caller, paths: readonly PathName[]): Promise<void> {
  try {
    const { came, wanted } = (await table(kube, caller, paths)) as { came: object; wanted: object };
    expect(came).toEqual(wanted);
  } finally {
    kube.close();
  }
}

describe('asked of a replica itself', () => {
  it.each(Object.entries({ ...CALLERS, ...FORGERS }))('%s gets what it has a right to', async (_name, make) => {
    const caller = await make();
    await expectOnly(openReplica(replica, { ca, ...caller.credential }), caller, ALL);
  });

  it('answers health to anyone', async () => {
    const kube = openReplica(replica, { ca });
    for (const path of ['/healthz', '/livez', '/readyz']) expect((await kube.call('GET', path)).status).toBe(200);
    kube.close();
  });
});

describe('asked of kube-apiserver', () => {
  const paths = ALL.filter((name) => name !== '/metrics');

  it.each(Object.entries(CALLERS))('%s gets what it has a right to', async (_name, make) => {
    const caller = await make();
    const { url, pki } = cluster.controlPlane;
    await expectOnly(openKube(url, { ca: pki.clusterCa.cert, ...caller.credential }), caller, paths);
  });
});

describe('a push', () => {
  const push = async (batch: Batch, token: string): Promise<{ status: number; code: string }> => {
    const kube = openReplica(replica, { ca, token }, PUSH_PORT, PUSH_NAME);
    const body = Buffer.from(encodeBatch(batch, BATCH_BINARY_V1));
    const { status, body: said } = await kube.call('POST', BATCH_PATH, {
      body,
      headers: { 'content-type': BATCH_BINARY_V1 },
    });
    kube.close();
    return { status, code: status < 300 ? '' : (JSON.parse(said.toString()) as { code: string }).code };
  };

  /** As the kubelet asks for it. */
  const agentToken = async (node: string, audience = 'headroom'): Promise<string> => {
    const run = cluster.fleet.runs(SYSTEM, 'headroom-agent').find(({ pod: { spec } }) => spec.nodeName === node)!;
    const { name, uid } = run.pod.metadata;
    const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', name, '--bound-object-uid', uid];
    const args = ['create', 'token', 'headroom-agent', '-n', SYSTEM, '--audience', audience, ...bound];
    return (await cluster.kubectlOk(...args)).trim();
  };

  /** Newer than anything its agent has sent, of a node that is hot. */
  const batchOf = (node: string): Batch => ({
    ...realisticBatch({ pods: 2, containersPerPod: 1, withIdentities: true }),
    node,
    epoch: 2 ** 40,
    wallTimeMs: Date.now(),
  });

  it('of an agent that speaks for another node is refused and logged, and changes nothing', async () => {
    const before = await nodeMetrics(cluster.kube);
    expect(await push(batchOf('n2'), await agentToken('n1'))).toEqual({ status: 403, code: 'foreign_node' });
    const hot = (await nodeMetrics(cluster.kube)).find(({ metadata }) => metadata.name === 'n2');
    expect(hot?.usage.memory).toBe(before.find(({ metadata }) => metadata.name === 'n2')?.usage.memory);
    expect(cluster.logsOf('headroom-aggregator')).toMatch(/"node":"n1","batchNode":"n2".*speaks for another node/);
  });

  it.each([
    ['with a token for another audience', () => agentToken('n1', 'https://kubernetes.default.svc.cluster.local'), 401],
    ['with a token that is none', async () => 'x.y.z', 401],
    ['with a token of another account', () => tokenOf('nobody', 'headroom'), 403],
    ['with a token that names no node', () => tokenOf('headroom-agent', 'headroom'), 403],
  ])('%s is refused', async (_what, token, status) => {
    expect((await push(batchOf('n1'), await token())).status).toBe(status);
  });
});
