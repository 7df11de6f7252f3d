import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accepting, startMetricsApi, V1 } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';

let api: MetricsApi;
let asAdmin: MetricsApi['asAdmin'];

beforeAll(async () => {
  api = await startMetricsApi();
  ({ asAdmin } = api);
});

afterAll(() => api.close());

describe('discovery and other documents', () => {
  it('names v1 first, in each form of the group', async () => {
    const versions = [
      { groupVersion: 'metrics.k8s.io/v1', version: 'v1' },
      { groupVersion: 'metrics.k8s.io/v1beta1', version: 'v1beta1' },
    ];
    const group = { name: 'metrics.k8s.io', versions, preferredVersion: versions[0] };
    expect((await asAdmin('/apis')).json).toEqual({ kind: 'APIGroupList', groups: [group] });
    expect((await asAdmin('/apis/metrics.k8s.io')).json).toEqual({ kind: 'APIGroup', apiVersion: 'v1', ...group });
  });

  it('lists the resources of both versions', async () => {
    for (const version of ['v1', 'v1beta1']) {
      expect((await asAdmin(`/apis/metrics.k8s.io/${version}`)).json).toEqual({
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: `metrics.k8s.io/${version}`,
        resources: [
          { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
          { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
        ],
      });
    }
  });

  it('gives the aggregated form to whom it is known, and the plain one to all others', async () => {
    const kubectl =
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';
    const { headers, json } = await asAdmin('/apis', accepting(kubectl));
    expect(headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    expect(json).toMatchObject({
      kind: 'APIGroupDiscoveryList',
      apiVersion: 'apidiscovery.k8s.io/v2',
      items: [{ metadata: { name: 'metrics.k8s.io' }, versions: [{ version: 'v1' }, { version: 'v1beta1' }] }],
    });
    expect((await asAdmin('/apis/metrics.k8s.io/v1', accepting(kubectl))).json).toMatchObject({
      kind: 'APIResourceList',
    });
    expect((await asAdmin('/apis', accepting('*/*'))).json).toMatchObject({ kind: 'APIGroupList' });
  });

  it('sends the aggregated form again only to whom has another one', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer';
    const { headers } = await asAdmin('/apis', accepting(accept));
    const again = await asAdmin('/apis', { headers: { accept, 'if-none-match': headers['etag']! } });
    expect([again.code, again.body.length, again.headers['etag']]).toEqual([304, 0, headers['etag']]);
    expect((await asAdmin('/apis', { headers: { accept, 'if-none-match': '"x"' } })).code).toBe(200);
  });

  it('answers about health in whole and check by check', async () => {
    const verbose = await asAdmin('/readyz?verbose&exclude=store');
    expect(verbose.body.toString()).toBe('[+]ping ok\n[+]store excluded: ok\nreadyz check passed\n');
    expect((await asAdmin('/readyz/ping')).body.toString()).toBe('ok');
    expect((await asAdmin('/readyz/store')).code).toBe(500);
    expect((await asAdmin('/readyz/nothing')).code).toBe(404);
    const { paths } = (await asAdmin('/')).json as { paths: string[] };
    expect(paths).toEqual(expect.arrayContaining(['/readyz/ping', '/readyz/store', '/livez/ping', '/openapi/v2']));
  });

  it('serves its own metrics, its version and its paths', async () => {
    expect((await asAdmin('/metrics')).body.toString()).toBe('up 1\n');
    expect((await asAdmin('/version')).json).toMatchObject({ gitVersion: expect.stringMatching(/^v\d/) as string });
    expect((await asAdmin('/')).json).toMatchObject({ paths: expect.arrayContaining(['/metrics']) as string[] });
    const unknown = await asAdmin('/nothing');
    expect([unknown.code, Object.keys(unknown.json as object)]).toEqual([404, ['paths']]);
    expect((await asAdmin('/version', { method: 'POST' })).code).toBe(405);
  });

  it('indents for people', async () => {
    const compact = (await asAdmin(`${V1}/nodes`)).body.toString();
    const indented = JSON.stringify(JSON.parse(compact), null, 2);
    expect((await asAdmin(`${V1}/nodes?pretty=true`)).body.toString()).toBe(indented);
    expect((await asAdmin(`${V1}/nodes`, { headers: { 'user-agent': 'curl/8.0' } })).body.toString()).toBe(indented);
    expect((await asAdmin(`${V1}/nodes?pretty=false`, { headers: { 'user-agent': 'curl/8.0' } })).body.toString()).toBe(
      compact,
    );
  });
});
