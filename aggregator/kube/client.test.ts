import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, startFakeKube } from '../../test/fixtures/kube/fake-kube.ts';
import type { FakeKube } from '../../test/fixtures/kube/fake-kube.ts';
import { createKubeClient } from './client.ts';
import type { KubeClient } from './client.ts';

const KEY = { namespace: 'shop', name: 'web-0' };
const WIRE = { metadata: { uid: 'u1', name: 'web-0', namespace: 'shop', generation: 2 } };
const OPS = [{ op: 'test', path: '/metadata/uid', value: 'u1' }] as const;

let kube: FakeKube;
let client: KubeClient;
let token: string;

beforeEach(async () => {
  token = 'Bearer first';
  kube = await startFakeKube(() => token);
  client = createKubeClient(kube.http);
});

afterEach(() => kube.close());

describe('the client', () => {
  it('sends a JSON patch to the resize subresource under its own name', async () => {
    kube.calls.push(json(200, WIRE));
    const answer = await client.patchResize(KEY, OPS);
    expect(answer).toMatchObject({ kind: 'accepted', pod: { uid: 'u1', generation: 2 } });
    const [seen] = kube.seen;
    expect(seen).toMatchObject({ method: 'PATCH', body: JSON.stringify(OPS) });
    expect(seen?.url.pathname).toBe('/api/v1/namespaces/shop/pods/web-0/resize');
    expect(seen?.headers).toMatchObject({
      'content-type': 'application/json-patch+json',
      'user-agent': 'headroom-aggregator/test',
      authorization: 'Bearer first',
    });
  });

  it('tells the time of an answer’s status from that of its body', async () => {
    kube.calls.push((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      setTimeout(() => response.end(JSON.stringify(WIRE)), 60);
    });
    const beganMs = performance.now();
    const answer = await client.patchResize(KEY, OPS);
    const tookMs = performance.now() - beganMs;
    expect(answer).toMatchObject({ kind: 'accepted', pod: { generation: 2 } });
    const { readMs } = answer as Extract<typeof answer, { kind: 'accepted' }>;
    expect(readMs).toBeGreaterThan(30);
    expect(readMs).toBeLessThan(tookMs);
  });

  it('gives a refusal its reason, message and causes', async () => {
    const causes = [{ reason: 'NodeCapacity', message: 'too much cpu', field: 'x' }];
    kube.calls.push(json(403, { kind: 'Status', reason: 'Forbidden', message: 'no room', details: { causes } }));
    expect(await client.patchResize(KEY, OPS)).toEqual({
      kind: 'refused',
      status: 403,
      reason: 'Forbidden',
      message: 'no room',
      causes: [{ reason: 'NodeCapacity', message: 'too much cpu' }],
    });
  });

  it.each([429, 500, 503])('takes %i for an error, not for a refusal', async (status) => {
    kube.calls.push(json(status, { message: 'busy' }));
    expect(await client.patchResize(KEY, OPS)).toEqual({ kind: 'error', reason: `HTTP ${status}: busy` });
  });

  it('takes a broken connection and an answer that is no pod for errors', async () => {
    kube.calls.push((response) => response.destroy());
    expect((await client.patchResize(KEY, OPS)).kind).toBe('error');
    kube.calls.push((response) => response.writeHead(200).end('<html>'));
    expect(await client.patchResize(KEY, OPS)).toMatchObject({
      kind: 'error',
      reason: expect.stringContaining('no pod') as string,
    });
  });

  it('tells a pod that is absent from one that could not be read', async () => {
    kube.calls.push(json(200, WIRE), json(404, {}), json(403, { message: 'may not' }));
    expect(await client.getPod(KEY)).toMatchObject({ kind: 'found', pod: { name: 'web-0' } });
    expect(await client.getPod(KEY)).toEqual({ kind: 'absent' });
    expect(await client.getPod(KEY)).toEqual({ kind: 'error', reason: 'HTTP 403: may not' });
  });

  it('writes an Event into the namespace of its pod', async () => {
    kube.calls.push(json(201, {}));
    expect(await client.createEvent('shop', { kind: 'Event' })).toEqual({ kind: 'written' });
    expect(kube.seen[0]).toMatchObject({ method: 'POST', body: '{"kind":"Event"}' });
    expect(kube.seen[0]?.url.pathname).toBe('/api/v1/namespaces/shop/events');
  });

  it('takes an Event that is there already as written', async () => {
    kube.calls.push(json(409, { reason: 'AlreadyExists' }));
    expect(await client.createEvent('shop', { kind: 'Event' })).toEqual({ kind: 'written' });
    kube.calls.push(json(409, { reason: 'Conflict', message: 'the quota was changed' }), json(503, {}));
    const event = { kind: 'Event' };
    expect(await client.createEvent('shop', event)).toMatchObject({ kind: 'error', passing: false });
    expect(await client.createEvent('shop', event)).toMatchObject({ kind: 'error', passing: true });
  });

  it('takes no 401 for a refusal of what was asked', async () => {
    kube.calls.push(json(401, { reason: 'Unauthorized', message: 'Unauthorized' }), json(401, {}));
    expect((await client.patchResize(KEY, OPS)).kind).toBe('error');
  });

  it('keeps its connections: calls in a row reuse them, and never more than four are open', async () => {
    const connections = (): number => new Set(kube.seen.map(({ connection }) => connection)).size;
    kube.calls.push(...Array.from({ length: 90 }, () => json(404, {})));
    for (let call = 0; call < 50; call += 1) await client.getPod(KEY);
    // undici frees a connection just after the answer, so that a call in a row may find it busy.
    expect(connections()).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 40 }, () => client.getPod(KEY)));
    expect(kube.seen).toHaveLength(90);
    expect(connections()).toBe(4);
  });

  it('warms as many connections as asked', async () => {
    kube.calls.push(json(200, {}), json(200, {}));
    await client.warm(2);
    expect(kube.seen.map(({ url }) => url.pathname)).toEqual(['/version', '/version']);
    expect(new Set(kube.seen.map(({ connection }) => connection)).size).toBe(2);
  });

  it('asks for its token again after 401, and again with the one that took its place', async () => {
    kube.calls.push(json(200, WIRE), json(401, {}), json(404, {}), json(401, {}));
    await client.getPod(KEY);
    token = 'Bearer second';
    expect(await client.getPod(KEY)).toEqual({ kind: 'absent' });
    // The same token is not tried twice.
    expect((await client.getPod(KEY)).kind).toBe('error');
    const tokens = kube.seen.map(({ headers }) => headers.authorization?.split(' ')[1]);
    expect(tokens).toEqual(['first', 'first', 'second', 'second']);
  });
});
