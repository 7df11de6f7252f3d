import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accepting, startMetricsApi, V1 } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

let api: MetricsApi;
let asAdmin: MetricsApi['asAdmin'];

beforeAll(async () => {
  api = await startMetricsApi();
  ({ asAdmin } = api);
});

afterAll(() => api.close());

describe('single objects', () => {
  it('gives a pod and a node, with kind and version', async () => {
    expect((await asAdmin(`${V1}/namespaces/b/pods/second`)).body.toString()).toBe(
      '{"kind":"PodMetrics","apiVersion":"metrics.k8s.io/v1",' +
        '"metadata":{"name":"second","namespace":"b","creationTimestamp":"2026-11-23T12:00:00Z","labels":{"app":"web"}},' +
        '"timestamp":"2026-11-23T12:00:00Z","window":"15.032s",' +
        '"containers":[{"name":"app","usage":{"cpu":"59123456n","memory":"10Mi"}}]}\n',
    );
    expect((await asAdmin('/apis/metrics.k8s.io/v1beta1/nodes/n1')).json).toMatchObject({
      kind: 'NodeMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      usage: { cpu: '59123456n', memory: '10Mi' },
    });
  });

  it('answers clients that would rather have protobuf in protobuf', async () => {
    const { headers, body } = await asAdmin(`${V1}/nodes/n1`, accepting('application/vnd.kubernetes.protobuf, */*'));
    expect(headers['content-type']).toBe('application/vnd.kubernetes.protobuf');
    expect(body.toString('latin1', 0, 4)).toBe('k8s\0');
  });

  it('is a table of one row, or metadata alone', async () => {
    expect((await asAdmin(`${V1}/nodes/n1`, accepting(TABLE))).json).toMatchObject({ kind: 'Table', rows: [{}] });
    const asked = accepting('application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
    expect((await asAdmin(`${V1}/namespaces/a/pods/first`, asked)).json).toEqual(partial('first', 'db'));
  });

  it.each([
    ['namespaces/a/pods/nobody', 'pods "nobody" not found', { name: 'nobody', kind: 'pods' }],
    ['nodes/nobody', 'node "nobody" not found', { name: 'nobody', kind: 'node' }],
    [
      'namespaces/a/pods/without',
      'podmetrics.metrics.k8s.io "a/without" not found',
      { name: 'a/without', group: 'metrics.k8s.io', kind: 'podmetrics' },
    ],
    [
      'nodes/n2',
      'nodemetrics.metrics.k8s.io "n2" not found',
      { name: 'n2', group: 'metrics.k8s.io', kind: 'nodemetrics' },
    ],
  ])('says of %s: %s', async (path, message, details) => {
    expect((await asAdmin(`${V1}/${path}`)).json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason: 'NotFound',
      details,
      code: 404,
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
