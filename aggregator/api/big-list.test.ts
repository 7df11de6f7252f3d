// Lists as large as those of large clusters, over the real server: compressed as clients ask, the same bytes inside.
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeItemSource, usageOf } from '../../test/fakes/item-source.ts';
import { AT, startMetricsApi, V1 } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';

const PODS = 3000;
const source = fakeItemSource(
  Array.from({ length: PODS }, (_, at) => ({
    namespace: `ns-${at % 3}`,
    name: `pod-${at}`,
    labels: { app: at % 10 === 0 ? 'tenth' : 'other' },
    // Some have none: the seams between stretches must not show.
    ...(at % 7 === 0 ? {} : { usage: usageOf(AT, 15_000_000, [at * 1000, at * 4096]) }),
  })),
  [],
  100,
);

const seen: number[] = [];
let api: MetricsApi;

beforeAll(async () => {
  api = await startMetricsApi({ source, gaveOut: (instants) => seen.push(...instants) });
});

afterAll(() => api.close());

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const ask = (path: string, accept: string, encoding?: string) =>
  api.asAdmin(path, { headers: { accept, ...(encoding === undefined ? {} : { 'accept-encoding': encoding }) } });

describe('a large list', () => {
  it.each(['application/json', PROTOBUF, 'application/yaml', 'application/json;as=Table;v=v1;g=meta.k8s.io'])(
    'in %s is the same compressed and plain',
    async (accept) => {
      seen.length = 0;
      const plain = await ask(`${V1}/pods`, accept);
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(seen).toHaveLength(PODS - Math.ceil(PODS / 7));
      const compressed = await ask(`${V1}/pods`, accept, 'gzip');
      expect(compressed.headers).toMatchObject({
        'content-encoding': 'gzip',
        vary: 'Accept-Encoding',
        'content-length': String(compressed.body.length),
      });
      expect(compressed.body.length).toBeLessThan(plain.body.length / 4);
      expect(gunzipSync(compressed.body).equals(plain.body)).toBe(true);
      expect(seen).toHaveLength(2 * (PODS - Math.ceil(PODS / 7)));
    },
  );

  it('is whole in YAML too', async () => {
    const { body } = await ask(`${V1}/namespaces/ns-1/pods`, 'application/yaml');
    const names = body.toString().match(/^ {4}name: pod-\d+$/gm)!;
    const { json } = await ask(`${V1}/namespaces/ns-1/pods`, 'application/json');
    const items = (json as { items: { metadata: { name: string } }[] }).items;
    expect(names.map((line) => line.trim())).toEqual(items.map(({ metadata }) => `name: ${metadata.name}`));
  });

  it('is not compressed while it is small', async () => {
    const { headers } = await ask(`${V1}/pods?labelSelector=app%3Dtenth`, 'application/json', 'gzip');
    expect(headers['content-encoding']).toBeUndefined();
  });

  it('is selected in protobuf as in JSON', async () => {
    const selected = await ask(`${V1}/pods?labelSelector=app%3Dtenth`, PROTOBUF);
    const names = selected.body.toString('latin1').match(/pod-\d+/g)!;
    const { json } = await ask(`${V1}/pods?labelSelector=app%3Dtenth`, 'application/json');
    const items = (json as { items: { metadata: { name: string } }[] }).items;
    expect(names).toEqual(items.map(({ metadata }) => metadata.name));
  });
});
