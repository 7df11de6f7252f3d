import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { fakeItemSource } from '../../test/fakes/item-source.ts';
import { metricsServer, NOW, startMetricsApi, USAGE, V1 } from '../../test/fakes/metrics-api.ts';
import { fixedTrust, USUAL_HEADERS } from '../kube/client-trust.ts';
import { createClusterPki, FRONT_PROXY_NAME } from '../standalone/pki.ts';
import type { ClusterPki } from '../standalone/pki.ts';

let pki: ClusterPki;

beforeAll(async () => {
  pki = await createClusterPki(NOW);
});

describe('large lists', () => {
  const many = Array.from({ length: 1500 }, (_, index) => ({
    namespace: 'a',
    name: `pod-${String(index).padStart(5, '0')}`,
    usage: USAGE,
  }));

  /** 300 stretches: a big list. Some 18 MB, more than the kernel buffers for clients that read nothing. */
  const big = () => {
    const labels = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`label-${index}`, 'x'.repeat(1000)]));
    const pods = many.map((pod) => ({ ...pod, labels }));
    return fakeItemSource(pods, [], 5);
  };

  it('go whole over the wire, compressed where the client takes it', async () => {
    const large = await startMetricsApi({ source: fakeItemSource(many, [], 400) }, pki);
    const plain = await large.asAdmin(`${V1}/pods`);
    expect((plain.json as { items: unknown[] }).items).toHaveLength(1500);
    expect(plain.headers['content-length']).toBe(String(plain.body.length));
    const zipped = await large.asAdmin(`${V1}/pods`, { headers: { 'accept-encoding': 'deflate, gzip' } });
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
    const refused = await large.asAdmin(`${V1}/pods`, { headers: { 'accept-encoding': 'gzip;q=0' } });
    expect(refused.body.equals(plain.body)).toBe(true);
    await large.close();
  });

  it('are refused with 429 while too many are on their way, and taken again afterwards', async () => {
    const slow = await startMetricsApi({ source: big() }, pki);
    const agent = new Agent({ ca: pki.ca, ...pki.admin });
    const stalled = [1, 2, 3, 4].map(() =>
      httpsRequest({ agent, host: '127.0.0.1', port: slow.port, path: `${V1}/pods` }).end(),
    );
    await Promise.all(stalled.map((request) => once(request, 'response')));
    const refused = await slow.asAdmin(`${V1}/pods`);
    expect(refused.code).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    expect(refused.json).toMatchObject({ reason: 'TooManyRequests', details: { retryAfterSeconds: 1 } });
    expect((await slow.asAdmin(`${V1}/namespaces/a/pods/pod-00007`)).code).toBe(200);
    for (const request of stalled) request.on('error', () => undefined).destroy();
    await expect.poll(async () => (await slow.asAdmin(`${V1}/pods`)).code, { timeout: 10_000 }).toBe(200);
    agent.destroy();
    await slow.close();
  }, 30_000);

  it('keep no place when their client leaves, those either that waited in a row behind one that it did not read', async () => {
    const slow = await startMetricsApi({ source: big() }, pki);
    const client = connectTls({ host: '127.0.0.1', port: slow.port, ca: pki.ca, ...pki.admin }).on('error', () => undefined); // prettier-ignore
    await once(client, 'secureConnect');
    client.pause().write(`GET ${V1}/pods HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(4));
    await expect.poll(async () => (await slow.asAdmin(`${V1}/pods`)).code, { timeout: 10_000 }).toBe(429);
    client.destroy();
    await expect.poll(async () => (await slow.asAdmin(`${V1}/pods`)).code, { timeout: 10_000 }).toBe(200);
    // All four places are free again.
    const answers = await Promise.all([1, 2, 3, 4].map(() => slow.asAdmin(`${V1}/pods`)));
    expect(answers.map(({ code }) => code)).toEqual([200, 200, 200, 200]);
    await slow.close();
  }, 30_000);
});

describe('clients that leave before their answer is made', () => {
  it('keep no place among the big lists', async () => {
    const pods = Array.from({ length: 40 }, (_, index) => ({ namespace: 'a', name: `pod-${index}`, usage: USAGE }));
    let asked = 0;
    let allow: () => void = () => undefined;
    const allowed = new Promise<{ kind: 'allowed' }>((resolve) => (allow = () => resolve({ kind: 'allowed' })));
    const reviewAccess = (): Promise<{ kind: 'allowed' }> => {
      asked++;
      return allowed;
    };
    const api = await startMetricsApi({ source: fakeItemSource(pods, [], 2), reviewAccess }, pki);
    const { port } = api;
    const leaving = [1, 2, 3, 4].map((number) => {
      const options = { host: '127.0.0.1', port, path: `${V1}/pods`, ca: pki.ca, ...pki.frontProxyClient };
      const headers = { 'x-remote-user': `user-${number}` };
      return httpsRequest({ ...options, headers, agent: false }).on('error', () => undefined).end(); // prettier-ignore
    });
    await expect.poll(() => asked).toBe(4);
    const gone = leaving.map((request) => new Promise((resolve) => request.once('close', resolve)));
    for (const request of leaving) request.destroy();
    await Promise.all(gone);
    // The server has to know of it: a request later on another connection is answered by then.
    await api.ask('/livez');
    allow();
    for (let count = 0; count < 5; count++) expect((await api.asAdmin(`${V1}/pods`)).code).toBe(200);
    await api.close();
  });
});

describe('strangers who open connections and say nothing', () => {
  const opened = (port: number, tls: object | undefined): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket =
        tls === undefined ? connectTcp(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', ...tls });
      socket.once(tls === undefined ? 'connect' : 'secureConnect', () => resolve(socket));
      socket.on('error', reject).resume();
    });
  /** Its handshake is over on the server's side too. */
  const known = async (port: number, pair: object): Promise<Socket> => {
    const socket = await opened(port, { ca: pki.ca, ...pair });
    const answer = once(socket, 'data');
    socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
    await answer;
    return socket;
  };
  const isOpen = (socket: Socket): boolean => !socket.readableEnded && !socket.destroyed;

  it.each(['without a handshake', 'after it'])('make room for the front proxy and for probes, %s', async (when) => {
    const api = await startMetricsApi({ room: { most: 12, mostStrangers: 8 } }, pki);
    const proxy = await known(api.port, pki.frontProxyClient);
    const silent: Socket[] = [];
    for (let count = 0; count < 20; count++)
      silent.push(await opened(api.port, when === 'after it' ? { ca: pki.ca } : undefined));
    await expect.poll(() => silent.filter(isOpen).length).toBe(8);
    expect(silent.map(isOpen)).toEqual(silent.map((_, at) => at >= 12));
    expect(isOpen(proxy)).toBe(true);
    expect((await api.ask('/livez')).code).toBe(200);
    expect((await api.asAdmin(`${V1}/pods`)).code).toBe(200);
    for (const socket of [proxy, ...silent]) socket.destroy();
    await api.close();
  });

  it.each([
    ['of the cluster', () => pki.admin, [FRONT_PROXY_NAME]],
    ['of the front proxy’s CA in another name', () => pki.frontProxyClient, ['other-proxy']],
  ])('are also those with a certificate %s', async (_which, pair, allowedNames) => {
    const frontProxy = { ca: pki.frontProxyCa, allowedNames, ...USUAL_HEADERS };
    const trust = fixedTrust({ clientCa: pki.ca, frontProxy });
    const api = await startMetricsApi({ room: { most: 12, mostStrangers: 8 }, trust }, pki);
    const all: Socket[] = [];
    for (let count = 0; count < 20; count++) all.push(await known(api.port, pair()));
    await expect.poll(() => all.filter(isOpen).length).toBe(8);
    expect(all.map(isOpen)).toEqual(all.map((_, at) => at >= 12));
    for (const socket of all) socket.destroy();
    await api.close();
  });

  it('are the first to go also where those who are known have taken all places', async () => {
    const api = await startMetricsApi({ room: { most: 4, mostStrangers: 4 } }, pki);
    const all: Socket[] = [];
    for (let count = 0; count < 4; count++) all.push(await known(api.port, pki.frontProxyClient));
    const late = await opened(api.port, undefined);
    await expect.poll(() => isOpen(late)).toBe(false);
    expect(all.map(isOpen)).toEqual([true, true, true, true]);
    for (const socket of all) socket.destroy();
    await api.close();
  });
});

it('says that the port is taken and how to take another', async () => {
  const first = await startMetricsApi({}, pki);
  const second = metricsServer(pki);
  await expect(second.listen('127.0.0.1', first.port)).rejects.toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining('--secure-port') as string,
  });
  await second.close();
  await first.close();
});
