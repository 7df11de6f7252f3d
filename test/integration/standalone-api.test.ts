// The in-memory API as the real kubectl sees it. Texts of refusals: facts of kube-apiserver's ValidatePodResize.
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewObject, ResourceRequirements } from '../../aggregator/standalone/api/objects.ts';
import { OBSERVED_ONLY } from '../../aggregator/standalone/api/objects.ts';
import { nodeObject } from '../../aggregator/standalone/kubelet/node-object.ts';
import type { TestCluster } from './standalone-cluster.ts';
import { startCluster } from './standalone-cluster.ts';

const GIB = 1024 ** 3;
const RESOURCES: ResourceRequirements = {
  requests: { cpu: '50m', memory: '64Mi' },
  limits: { cpu: '200m', memory: '128Mi' },
};

function podOf(name: string, resizable: boolean, annotations: Record<string, string> = {}): NewObject {
  const status = { name: 'main', image: 'x', imageID: '', ready: true, started: true, restartCount: 0, lastState: {} };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'demo', generation: 1, labels: { app: name }, annotations },
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'x', resources: RESOURCES }] },
    status: {
      phase: 'Running',
      qosClass: 'Burstable',
      containerStatuses: [
        {
          ...status,
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
          ...(resizable ? { resources: RESOURCES } : {}),
        },
      ],
    },
  };
}

function resources(change: ResourceRequirements): string {
  return JSON.stringify({ spec: { containers: [{ name: 'main', resources: change }] } });
}

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startCluster({ metrics: () => undefined });
  const { store } = cluster;
  for (const name of ['default', 'demo']) {
    store.create('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
      status: { phase: 'Active' },
    });
  }
  store.create('nodes', nodeObject('n1', { cpuMillis: 2000, memoryBytes: 4 * GIB }, Date.now()));
  store.create('pods', podOf('web', true));
  store.create('pods', podOf('other', false, { [OBSERVED_ONLY]: 'true' }));
});

afterAll(() => cluster.close());

const resize = (pod: string, ...rest: readonly string[]) =>
  cluster.kubectl('patch', 'pod', pod, '-n', 'demo', '--subresource', 'resize', ...rest);

describe('kubectl reads', () => {
  it('lists nodes and pods with the columns of a real cluster', async () => {
    const nodes = await cluster.kubectl('get', 'nodes');
    expect(nodes.stdout).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION\nn1 +Ready +standalone +\d+s +v/);
    const pods = await cluster.kubectl('get', 'pods', '-A');
    expect(pods.stdout).toMatch(/^NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE\ndemo +other +1\/1 +Running +0 /);
    expect(pods.stdout).toMatch(/\ndemo +web +1\/1 +Running/);
  });

  it('gets all there is', async () => {
    expect((await cluster.kubectl('get', 'all', '-n', 'demo', '-o', 'name')).stdout).toBe('pod/other\npod/web\n');
  });

  it('describes a pod and a node, requests against allocatable included', async () => {
    const pod = await cluster.kubectl('describe', 'pod', 'web', '-n', 'demo');
    expect(pod.stdout).toMatch(/Limits:\n +cpu: +200m\n +memory: +128Mi/);
    const node = await cluster.kubectl('describe', 'node', 'n1');
    expect(node.stdout).toMatch(/demo +web +50m \(2%\) +200m \(10%\)/);
  });

  it('selects by label and by field, and says which fields it does not know', async () => {
    expect((await cluster.kubectl('get', 'pods', '-A', '-l', 'app in (web)', '-o', 'name')).stdout).toBe('pod/web\n');
    const byField = await cluster.kubectl(
      'get',
      'pods',
      '-A',
      '--field-selector',
      'spec.nodeName=n1,metadata.name!=web',
      '-o',
      'name',
    );
    expect(byField.stdout).toBe('pod/other\n');
    const unknown = await cluster.kubectl('get', 'pods', '-A', '--field-selector', 'spec.foo=1');
    expect(unknown.stderr).toContain('field label not supported: spec.foo');
  });

  it('pages a list by chunks', async () => {
    const listed = await cluster.kubectl('get', 'pods', '-n', 'demo', '--chunk-size=1', '-o', 'name');
    expect(listed.stdout).toBe('pod/other\npod/web\n');
  });

  it('watches: a change made meanwhile is printed', async () => {
    const watching = cluster.kubectl('get', 'pods', '-n', 'demo', '-w', '--request-timeout=3s', '-L', 'seen');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await cluster.kubectl('label', 'pod', 'web', '-n', 'demo', 'seen=yes');
    expect((await watching).stdout).toMatch(/web .*yes\n/);
  });

  it('says not found, and that an aggregator which is away is unavailable', async () => {
    expect((await cluster.kubectl('get', 'pod', 'nope')).stderr).toBe(
      'Error from server (NotFound): pods "nope" not found\n',
    );
    expect((await cluster.kubectl('top', 'node')).stderr).toContain('Error from server (ServiceUnavailable)');
  });
});

describe('kubectl delete', () => {
  it('deletes nothing in a dry run, whose wish comes in the body', async () => {
    const asked = await cluster.kubectl('delete', 'pod', 'web', '-n', 'demo', '--dry-run=server', '--wait=false');
    expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining('server dry run')]);
    expect((await cluster.kubectl('get', 'pod', 'web', '-n', 'demo', '-o', 'name')).stdout).toBe('pod/web\n');
  });
});

describe('kubectl patch --subresource resize', () => {
  it('raises a limit and counts the generation', async () => {
    const before = await cluster.kubectl('get', 'pod', 'web', '-n', 'demo', '-o', 'jsonpath={.metadata.generation}');
    expect(await resize('web', '-p', resources({ limits: { memory: '256Mi' } }))).toMatchObject({ code: 0 });
    const after = await cluster.kubectl(
      'get',
      'pod',
      'web',
      '-n',
      'demo',
      '-o',
      'jsonpath={.metadata.generation} {.spec.containers[0].resources.limits.memory}',
    );
    expect(after.stdout).toBe(`${Number(before.stdout) + 1} 256Mi`);
  });

  it.each([
    [
      'a request above its limit',
      ['-p', resources({ requests: { cpu: '500m' } })],
      'requests: Invalid value: "500m": must be less than or equal to cpu limit of 200m',
    ],
    [
      'a change of QoS class',
      ['-p', resources({ requests: { cpu: '200m', memory: '64Mi' }, limits: { memory: '64Mi' } })],
      'Pod QOS Class may not change as a result of resizing',
    ],
    [
      'a removed limit',
      ['-p', '{"spec":{"containers":[{"name":"main","resources":{"limits":{"memory":null}}}]}}'],
      'limits: Forbidden: resource limits cannot be removed',
    ],
    [
      'resources taken away',
      ['--type=json', '-p', '[{"op":"remove","path":"/spec/containers/0/resources"}]'],
      'limits: Forbidden: resource limits cannot be removed',
    ],
    [
      'a container that is none',
      ['--type=json', '-p', '[{"op":"replace","path":"/spec/containers/0","value":null}]'],
      'containers may not be renamed or reordered on resize',
    ],
    [
      'another resource',
      ['-p', resources({ limits: { 'ephemeral-storage': '1Gi' } })],
      'spec: Forbidden: only cpu and memory resources are mutable',
    ],
    [
      'a renamed container',
      ['--type=json', '-p', '[{"op":"replace","path":"/spec/containers/0/name","value":"x"}]'],
      'containers may not be renamed or reordered on resize',
    ],
    [
      'no quantity',
      ['-p', resources({ limits: { memory: '12 apples' } })],
      'quantities must match the regular expression',
    ],
    [
      'a failed test',
      ['--type=json', '-p', '[{"op":"test","path":"/metadata/uid","value":"x"}]'],
      'The request is invalid',
    ],
    [
      'more than the node has',
      ['-p', resources({ requests: { cpu: '3' }, limits: { cpu: '3' } })],
      "node didn't have enough allocatable resources: cpu, requested: 3000, allocatable: 2000",
    ],
  ])('refuses %s', async (_what, args, text) => {
    const answer = await resize('web', ...args);
    expect(answer.stderr).toContain(text);
    expect(answer.code).toBe(1);
  });

  it('refuses a pod that is only observed, and says so', async () => {
    const answer = await resize('other', '-p', resources({ limits: { memory: '256Mi' } }));
    expect(answer.stderr).toContain('Pod running on node without support for resize: it is only observed');
  });

  it('keeps resources immutable through the pod itself, labels stay free', async () => {
    const refused = await cluster.kubectl(
      'patch',
      'pod',
      'web',
      '-n',
      'demo',
      '-p',
      resources({ limits: { memory: '1Gi' } }),
    );
    expect(refused.stderr).toContain('spec: Forbidden: pod updates may not change fields other than');
    expect(await cluster.kubectl('annotate', 'pod', 'web', '-n', 'demo', 'a=b')).toMatchObject({ code: 0 });
  });
});

const status = (
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body = '',
): Promise<{ code: number; text: string }> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      `${cluster.api.url}${path}`,
      { ca: cluster.pki.ca, headers, method, agent: false, ...(headers['x-anonymous'] ? {} : cluster.pki.admin) },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

const MERGE = { 'content-type': 'application/merge-patch+json' };
const JSON_BODY = { 'content-type': 'application/json' };

describe('without kubectl', () => {
  it('lets nobody in who shows no certificate and no token', async () => {
    expect((await status('/api/v1/pods', { 'x-anonymous': '1' })).code).toBe(401);
    expect((await status('/api/v1/pods', { 'x-anonymous': '1', authorization: 'Bearer nope' })).code).toBe(401);
    expect(await status('/readyz', { 'x-anonymous': '1' })).toEqual({ code: 200, text: 'ok' });
  });

  it.each([
    ['an unknown resource', '/api/v1/widgets', {}, 'GET', '', 404],
    ['a method that a resource lacks', '/api/v1/nodes/n1', {}, 'DELETE', '', 405],
    [
      'a patch of an unknown type',
      '/api/v1/nodes/n1',
      { 'content-type': 'application/apply-patch+yaml' },
      'PATCH',
      'a: b',
      415,
    ],
    [
      'a body that is no JSON',
      '/api/v1/nodes/n1',
      { 'content-type': 'application/merge-patch+json' },
      'PATCH',
      '{',
      400,
    ],
    [
      'a patch made for another version',
      '/api/v1/nodes/n1',
      { 'content-type': 'application/merge-patch+json' },
      'PATCH',
      '{"metadata":{"resourceVersion":"1","labels":{"a":"b"}}}',
      409,
    ],
    ['labels that are no text', '/api/v1/namespaces/demo/pods/web', MERGE, 'PATCH', '{"metadata":{"labels":5}}', 400],
    ['a status from outside', '/api/v1/namespaces/demo/pods/web/status', MERGE, 'PATCH', '{"status":null}', 405],
    ['an event of nothing', '/api/v1/namespaces/demo/events', JSON_BODY, 'POST', '{"metadata":{"name":"e"}}', 400],
    ['a subresource of every object', '/api/v1/nodes/n1/toString', {}, 'GET', '', 404],
    ['a path of slashes', '//', {}, 'GET', '', 404],
    ['a watch from a version of another server', '/api/v1/pods?watch=1&resourceVersion=999999', {}, 'GET', '', 410],
    ['a name that is no path', '/api/v1/namespaces/demo/pods/%E0%A4%A', {}, 'GET', '', 404],
  ])('answers %s with a Status', async (_what, path, headers, method, body, code) => {
    const answer = await status(path, headers, method, body);
    expect(JSON.parse(answer.text)).toMatchObject({ kind: 'Status', status: 'Failure', code });
    expect(answer.code).toBe(code);
  });

  it('ends a watch at its time-out, after a bookmark with the current version', async () => {
    const answer = await status('/api/v1/nodes?watch=1&allowWatchBookmarks=true&timeoutSeconds=1');
    const events = answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: NewObject });
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(events[1]?.object.metadata.resourceVersion).toBe(String(cluster.store.version));
  });
});
