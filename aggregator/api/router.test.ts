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

describe('refusals', () => {
  it.each([
    [
      `${V1}/nodes?watch=true`,
      405,
      'MethodNotAllowed',
      'watch is not supported on resources of kind "nodes.metrics.k8s.io"',
    ],
    [`${V1}/nodes/n1/status`, 404, 'NotFound', 'the server could not find the requested resource'],
    ['/apis/metrics.k8s.io/v2/nodes', 404, 'NotFound', 'the server could not find the requested resource'],
    [`${V1}/nodes/%zz`, 404, 'NotFound', 'the server could not find the requested resource'],
    [
      `${V1}/pods?fieldSelector=spec.nodeName%3Dn1`,
      400,
      'BadRequest',
      '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    [
      `${V1}/pods?labelSelector=a%20b`,
      400,
      'BadRequest',
      "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
    ],
    [`${V1}/pods?limit=many`, 400, 'BadRequest', 'strconv.ParseInt: parsing "many": invalid syntax'],
    [
      `${V1}/pods?resourceVersionMatch=Exact`,
      422,
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
  ])('%s: %s %s', async (path, code, reason, message) => {
    const { code: actual, json } = await asAdmin(path);
    expect(actual).toBe(code);
    expect(json).toMatchObject({ kind: 'Status', status: 'Failure', code, reason, message });
  });

  it('refuses every method but GET on a resource', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const { code, json } = await asAdmin(`${V1}/nodes/n1`, { method });
      expect(code).toBe(405);
      expect(json).toMatchObject({ message: 'the server does not allow this method on the requested resource' });
    }
  });

  it('refuses media types that it does not have, and forms that do not fit', async () => {
    const table = await asAdmin(`${V1}/nodes`, accepting('application/json;as=Table'));
    expect(table.json).toMatchObject({
      code: 406,
      reason: 'NotAcceptable',
      message:
        'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
    const single = accepting('application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
    expect((await asAdmin(`${V1}/pods`, single)).json).toMatchObject({
      code: 406,
      message: 'you requested PartialObjectMetadata, but the requested object is a list (*metrics.PodMetricsList)',
    });
    const many = accepting('application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1');
    expect((await asAdmin(`${V1}/nodes/n1`, many)).json).toMatchObject({ code: 406 });
  });

  it('answers a handler’s bug with 500 and goes on', async () => {
    const broken = await startMetricsApi({ metricsText: () => Promise.reject(new Error('a bug')) }, api.pki);
    expect((await broken.asAdmin('/metrics')).json).toMatchObject({ kind: 'Status', code: 500 });
    expect((await broken.asAdmin(`${V1}/nodes`)).code).toBe(200);
    await broken.close();
  });
});
