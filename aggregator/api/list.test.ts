import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accepting, AT, SOURCE, startMetricsApi, V1 } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const seen: number[] = [];
let api: MetricsApi;
let asAdmin: MetricsApi['asAdmin'];

beforeAll(async () => {
  api = await startMetricsApi({ gaveOut: (instants) => seen.push(...instants) });
  ({ asAdmin } = api);
});

afterAll(() => api.close());

const names = async (path: string): Promise<string[]> =>
  ((await asAdmin(path)).json as { items: { metadata: { name: string } }[] }).items.map((item) => item.metadata.name);

describe('lists', () => {
  it('gives all pods with metrics, by namespace and name, in both versions from the same items', async () => {
    const [v1, v1beta1] = await Promise.all([asAdmin(`${V1}/pods`), asAdmin('/apis/metrics.k8s.io/v1beta1/pods')]);
    expect(v1.body.toString()).toBe(
      `{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1","metadata":{},"items":[` +
        ['a/first', 'a/zz', 'b/second']
          .map((name) => SOURCE.podItem(name.split('/')[0]!, name.split('/')[1]!)!.bytes('json')!.toString())
          .join(',') +
        ']}\n',
    );
    expect(v1beta1.body.toString()).toBe(v1.body.toString().replace('metrics.k8s.io/v1', 'metrics.k8s.io/v1beta1'));
    expect(v1.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(v1.body.length),
      'cache-control': 'no-cache, private',
    });
  });

  it('gives one namespace, and an empty list for one that is not there', async () => {
    expect(await names(`${V1}/namespaces/a/pods`)).toEqual(['first', 'zz']);
    expect((await asAdmin(`${V1}/namespaces/none/pods`)).body.toString()).toBe(
      '{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1","metadata":{},"items":[]}\n',
    );
  });

  it('selects by labels and fields', async () => {
    expect(await names(`${V1}/pods?labelSelector=app%3Dweb`)).toEqual(['zz', 'second']);
    expect(await names(`${V1}/pods?labelSelector=app+in+(web,db)&fieldSelector=metadata.namespace%3Da`)).toEqual([
      'first',
      'zz',
    ]);
    expect(await names(`${V1}/nodes?labelSelector=!zone`)).toEqual([]);
    expect(await names(`${V1}/nodes?fieldSelector=metadata.name=n1`)).toEqual(['n1']);
    expect(await names(`${V1}/nodes?fieldSelector=metadata.namespace=a`)).toEqual([]);
  });

  it('ignores limit and resourceVersion: a list is always whole', async () => {
    expect(await names(`${V1}/pods?limit=1&resourceVersion=0&timeoutSeconds=5&watch=false`)).toHaveLength(3);
  });

  it('tells when what it gives out was read', async () => {
    seen.length = 0;
    await asAdmin(`${V1}/pods`);
    await asAdmin(`${V1}/pods?labelSelector=app=web`);
    await asAdmin(`${V1}/nodes/n1`);
    expect(seen).toEqual([AT, AT, AT, AT, AT, AT]);
  });

  it('is a table where kubectl get asks for one, with the sum of a pod’s containers', async () => {
    const { json } = await asAdmin(`${V1}/namespaces/a/pods`, accepting(TABLE));
    expect(json).toEqual({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {},
      columnDefinitions: [
        { name: 'Name', type: 'string', format: 'name', description: 'Name of the resource', priority: 0 },
        { name: 'cpu', type: 'string', format: 'quantity', description: '', priority: 0 },
        { name: 'memory', type: 'string', format: 'quantity', description: '', priority: 0 },
        { name: 'Window', type: 'string', format: 'duration', description: '', priority: 0 },
      ],
      rows: [
        { cells: ['first', '1500m', '3Mi', '15s'], object: partial('first', 'db') },
        { cells: ['zz', '59123456n', '10Mi', '15.032s'], object: partial('zz', 'web') },
      ],
    });
    const empty = await asAdmin(`${V1}/namespaces/none/pods`, accepting(TABLE));
    expect(empty.json).toMatchObject({ kind: 'Table', columnDefinitions: null, rows: null });
  });

  it('puts into a table’s rows what includeObject says', async () => {
    const rows = async (include: string): Promise<unknown> =>
      ((await asAdmin(`${V1}/nodes?includeObject=${include}`, accepting(TABLE))).json as { rows: unknown }).rows;
    expect(await rows('None')).toEqual([{ cells: ['n1', '59123456n', '10Mi', '15.032s'], object: null }]);
    expect(await rows('Object')).toMatchObject([
      { object: { kind: 'NodeMetrics', apiVersion: 'metrics.k8s.io/v1', usage: { memory: '10Mi' } } },
    ]);
    expect((await asAdmin(`${V1}/nodes?includeObject=x`, accepting(TABLE))).json).toMatchObject({
      message: expect.stringContaining('includeObject: Invalid value: "x"') as string,
      code: 400,
    });
  });

  it('is metadata alone where that is asked for', async () => {
    const asked = accepting('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1');
    expect((await asAdmin(`${V1}/namespaces/a/pods`, asked)).json).toEqual({
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {},
      items: [partial('first', 'db'), partial('zz', 'web')],
    });
  });
});

function partial(name: string, app: string): unknown {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { name, namespace: 'a', creationTimestamp: '2026-11-23T12:00:00Z', labels: { app } },
  };
}
