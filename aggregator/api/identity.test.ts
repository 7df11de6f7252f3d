import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW, startMetricsApi, V1 } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';
import { createClusterPki } from '../standalone/pki.ts';

let api: MetricsApi;
let asAdmin: MetricsApi['asAdmin'];

beforeAll(async () => {
  api = await startMetricsApi();
  ({ asAdmin } = api);
});

afterAll(() => api.close());

describe('who may ask', () => {
  const unauthorized = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  };

  it('takes a certificate of the client CA', async () => {
    expect((await api.ask(`${V1}/nodes`, { who: api.pki.admin })).code).toBe(200);
  });

  it('refuses no certificate with a Status, on paths that are not there too', async () => {
    for (const path of [`${V1}/nodes`, '/apis', '/metrics', '/nothing']) {
      const { code, json } = await api.ask(path);
      expect([code, json]).toEqual([401, unauthorized]);
    }
  });

  it('refuses a certificate of another CA with the same name', async () => {
    const other = await createClusterPki(NOW);
    expect((await api.ask(`${V1}/nodes`, { who: other.admin })).code).toBe(401);
    const headers = { 'x-remote-user': 'eve' };
    expect((await api.ask(`${V1}/nodes`, { who: other.frontProxyClient, headers })).code).toBe(401);
  });

  it('refuses a server certificate as a client', async () => {
    expect((await api.ask(`${V1}/nodes`, { who: api.pki.serving })).code).toBe(401);
  });

  it('takes the front proxy only with the name of a user, whom nobody else may name', async () => {
    const headers = { 'x-remote-user': 'alice', 'x-remote-group': ['dev', 'ops'] };
    expect((await api.ask(`${V1}/nodes`, { who: api.pki.frontProxyClient, headers })).code).toBe(200);
    expect((await api.ask(`${V1}/nodes`, { who: api.pki.frontProxyClient })).code).toBe(401);
    expect((await api.ask(`${V1}/nodes`, { headers })).code).toBe(401);
  });

  it('refuses a front proxy whose name is not allowed, and any certificate that is over', async () => {
    const requestHeader = { ca: api.pki.frontProxyCa, allowedNames: ['another-name'] };
    let now = NOW;
    const strict = await startMetricsApi({ requestHeader, wallMs: () => now }, api.pki);
    const headers = { 'x-remote-user': 'alice' };
    expect((await strict.ask(`${V1}/nodes`, { who: api.pki.frontProxyClient, headers })).code).toBe(401);
    expect((await strict.asAdmin(`${V1}/nodes`)).code).toBe(200);
    now = NOW + 2 * 365 * 24 * 3600 * 1000;
    expect((await strict.asAdmin(`${V1}/nodes`)).code).toBe(401);
    await strict.close();
  });

  it('tells anyone of its health', async () => {
    expect((await api.ask('/livez')).body.toString()).toBe('ok');
    const ready = await api.ask('/readyz');
    expect(ready.code).toBe(500);
    expect(ready.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(ready.body.toString()).toBe('[+]ping ok\n[-]store failed: reason withheld\nreadyz check failed\n');
    expect((await api.ask('/readyz?verbose&exclude=store')).code).toBe(200);
    expect((await api.ask('/readyz/ping')).code).toBe(401);
    expect((await asAdmin('/readyz/ping')).body.toString()).toBe('ok');
  });
});
