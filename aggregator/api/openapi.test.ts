// The shape of the OpenAPI documents is that of k8s.io/apiserver's own for the same types: only the words are ours.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accepting, startMetricsApi } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';

type Tree = { readonly [key: string]: unknown };

const recorded = new Map(
  (
    JSON.parse(
      readFileSync(new URL('../../test/fixtures/metrics-api/answers.json', import.meta.url), 'utf8'),
    ) as readonly { readonly name: string; readonly text?: string }[]
  ).map(({ name, text = '' }) => [name, text]),
);

const reference = (name: string): Tree => JSON.parse(recorded.get(name)!) as Tree;

/** Without words, defaults and the ways to write a reference; parameters by what they are. */
function shape(value: unknown, parameters: Tree = {}): unknown {
  if (Array.isArray(value)) {
    const items = value.map((one) => shape(one, parameters));
    return items.every((item) => typeof item === 'string') ? items.toSorted() : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const { $ref, allOf, ...rest } = value as Tree;
  const of = $ref ?? (allOf as readonly Tree[] | undefined)?.[0]?.['$ref'];
  if (typeof of === 'string' && of.startsWith('#/parameters/')) return shape(parameters[of.slice(13)]);
  const kept = Object.entries(rest).filter(
    ([key, one]) => key !== 'default' && !(key === 'description' && typeof one === 'string'),
  );
  return {
    ...(of === undefined ? {} : { $ref: of }),
    ...Object.fromEntries(kept.map(([key, one]) => [key, shape(one, parameters)])),
  };
}

let api: MetricsApi;
let asAdmin: MetricsApi['asAdmin'];

beforeAll(async () => {
  api = await startMetricsApi();
  ({ asAdmin } = api);
});

afterAll(() => api.close());

describe('OpenAPI v2', () => {
  it('describes every path and type as Kubernetes does', async () => {
    const { json, headers } = await asAdmin('/openapi/v2');
    expect(headers).toMatchObject({ 'content-type': 'application/json', vary: 'Accept' });
    const { paths, definitions } = json as { paths: Tree; definitions: Tree };
    const expected = reference('openapi v2') as { paths: Tree; definitions: Tree; parameters: Tree };
    expect(shape(definitions)).toEqual(shape(expected.definitions));
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(Object.keys(expected.paths)));
    for (const [path, item] of Object.entries(expected.paths))
      expect([path, shape(paths[path])]).toEqual([path, shape(item, expected.parameters)]);
  });

  it('is sent again only to whom has another one', async () => {
    const { headers } = await asAdmin('/openapi/v2');
    const again = await asAdmin('/openapi/v2', { headers: { 'if-none-match': headers['etag']! } });
    expect([again.code, again.body.length, again.headers['etag']]).toEqual([304, 0, headers['etag']]);
    expect((await asAdmin('/openapi/v2', { headers: { 'if-none-match': '"other"' } })).code).toBe(200);
  });

  it('is JSON only', async () => {
    const protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    expect((await asAdmin('/openapi/v2', accepting(protobuf))).code).toBe(406);
    expect((await asAdmin('/openapi/v2', accepting(`${protobuf},application/json;q=0.5`))).code).toBe(200);
  });
});

describe('OpenAPI v3', () => {
  it('names a URL with a hash for each group version, good for a year', async () => {
    const { paths } = (await asAdmin('/openapi/v3')).json as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toEqual(Object.keys((reference('openapi v3') as { paths: Tree }).paths));
    for (const { serverRelativeURL } of Object.values(paths)) {
      const { code, headers } = await asAdmin(serverRelativeURL);
      expect([code, headers['cache-control'], headers['expires']]).toEqual([
        200,
        'public, immutable',
        expect.stringMatching(/ GMT$/),
      ]);
      expect(serverRelativeURL).toContain(headers['etag']!.replaceAll('"', ''));
    }
    const url = paths['apis/metrics.k8s.io/v1']!.serverRelativeURL;
    const stale = await asAdmin(url.replace(/hash=.*/, 'hash=ABC'));
    expect([stale.code, stale.headers['location']]).toEqual([301, url]);
  });

  it.each([
    ['apis/metrics.k8s.io/v1', 'openapi v3, v1'],
    ['apis/metrics.k8s.io', 'openapi v3, group'],
    ['apis', 'openapi v3, apis'],
    ['version', 'openapi v3, version'],
  ])('describes %s as Kubernetes does', async (path, name) => {
    const { json } = await asAdmin(`/openapi/v3/${path}`);
    const { info: _info, ...document } = json as Tree;
    const { info: _other, ...expected } = reference(name);
    expect(shape(document)).toEqual(shape(expected));
  });

  it('knows no other', async () => {
    expect((await asAdmin('/openapi/v3/apis/other/v1')).code).toBe(404);
  });
});
