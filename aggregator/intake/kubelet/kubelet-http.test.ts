import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../agent/runtime/logger.ts';
import type { KubeEndpoint } from '../../kube/endpoint.ts';
import { createClusterPki } from '../../standalone/pki.ts';
import type { ClusterPki } from '../../standalone/pki.ts';
import { fixture, startFakeKubelet, status, text } from './fake-kubelet.test-support.ts';
import type { FakeKubelet } from './fake-kubelet.test-support.ts';
import type { AccessFlags } from './kubelet-access.ts';
import { kubeletAccess } from './kubelet-access.ts';
import { createKubeletHttp, MAX_TEXT_BYTES } from './kubelet-http.ts';
import type { KubeletHttp } from './kubelet-http.ts';

const TIMEOUT_MS = 10_000;
const NO_FLAGS: AccessFlags = {
  'kubelet-certificate-authority': undefined,
  'kubelet-client-certificate': undefined,
  'kubelet-client-key': undefined,
  'kubelet-insecure-tls': false,
};

let pki: ClusterPki;
let other: ClusterPki;
let folder: string;
let kubelet: FakeKubelet;
let token: string;
let nowMs: number;
const open: KubeletHttp[] = [];

beforeAll(async () => {
  [pki, other] = await Promise.all([createClusterPki(Date.now()), createClusterPki(Date.now())]);
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headroom-kubelet-'));
  kubelet = await startFakeKubelet(pki.serving);
  kubelet.answer = text(fixture('steady'), Date.parse('2026-11-23T12:00:00Z'));
  token = 'Bearer one';
  nowMs = 0;
});
afterEach(async () => {
  for (const http of open.splice(0)) await http.close();
  await kubelet.close();
  rmSync(folder, { recursive: true });
});

function client(flags: Partial<AccessFlags> = {}, ca = pki.ca, timeoutMs = TIMEOUT_MS): KubeletHttp {
  const endpoint: KubeEndpoint = {
    server: 'https://api.example',
    tls: { ca, servername: 'api.example' },
    namespace: undefined,
    headers: () => Promise.resolve({ Authorization: token }),
  };
  const access = kubeletAccess({ ...NO_FLAGS, ...flags }, endpoint, () => nowMs, silentLogger);
  const http = createKubeletHttp(access, timeoutMs, 'headroom-aggregator/test');
  open.push(http);
  return http;
}

function get(http: KubeletHttp, url = `https://127.0.0.1:${kubelet.port}/metrics/resource`) {
  return http.get(new URL(url), new AbortController().signal);
}

describe('createKubeletHttp', () => {
  it('asks with our token and gives the text and the time of the node', async () => {
    expect(await get(client())).toEqual({
      kind: 'read',
      text: fixture('steady'),
      nodeWallMs: Date.parse('2026-11-23T12:00:00Z'),
    });
    expect(kubelet.seen[0]).toMatchObject({
      url: '/metrics/resource',
      headers: { authorization: 'Bearer one', accept: 'text/plain', 'user-agent': 'headroom-aggregator/test' },
    });
  });

  it('keeps one connection for all scrapes of a node', async () => {
    const http = client();
    await Promise.all([get(http), get(http)]);
    await get(http);
    expect(kubelet.seen.map(({ connection }) => connection)).toEqual([1, 1, 1]);
    expect(kubelet.open.size).toBe(1);
  });

  it('shows a renewed token within seconds', async () => {
    const http = client();
    await get(http);
    token = 'Bearer two';
    nowMs = 4999;
    await get(http);
    nowMs = 5000;
    await get(http);
    expect(kubelet.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer one',
      'Bearer one',
      'Bearer two',
    ]);
  });

  it('asks over IPv6, unverified when told so', async () => {
    const six = await startFakeKubelet(other.serving, '::1');
    six.answer = text('node_cpu_usage_seconds_total 1');
    const answer = await get(client({ 'kubelet-insecure-tls': true }), `https://[::1]:${six.port}/metrics/resource`);
    await six.close();
    expect(answer).toMatchObject({ kind: 'read' });
  });

  it('trusts nobody from another CA, and nobody for another name', async () => {
    expect(await get(client({}, other.ca))).toMatchObject({ kind: 'failed', reason: 'tls' });
    const elsewhere = await startFakeKubelet(pki.serving, '127.0.0.2');
    const wrongName = await get(client(), `https://127.0.0.2:${elsewhere.port}/`);
    await elsewhere.close();
    expect(wrongName).toMatchObject({ kind: 'failed', reason: 'tls' });
    expect([...kubelet.seen, ...elsewhere.seen]).toEqual([]);
  });

  it('takes up a CA file that was rotated', async () => {
    const path = join(folder, 'ca.crt');
    writeFileSync(path, other.ca);
    const http = client({ 'kubelet-certificate-authority': path });
    expect(await get(http)).toMatchObject({ kind: 'failed', reason: 'tls' });
    rmSync(path);
    nowMs = 10_000;
    expect(await get(http)).toMatchObject({ reason: 'tls' }); // the last readable one is kept
    writeFileSync(path, pki.ca);
    nowMs = 20_000;
    expect(await get(http)).toMatchObject({ kind: 'read' });
  });

  it('says at once when a file of the flags is missing', () => {
    expect(() => client({ 'kubelet-certificate-authority': join(folder, 'none') })).toThrow(/can't read .*none/);
  });

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [302, 'status'],
    [500, 'status'],
  ])('tells of the answer %d: %s', async (code, reason) => {
    kubelet.answer = status(code);
    expect(await get(client())).toEqual({ kind: 'failed', reason, detail: `request failed, status: ${code}` });
  });

  it('reads no more than the bound, however the body comes', async () => {
    const chunk = '#'.repeat(64 * 1024);
    let left = MAX_TEXT_BYTES / chunk.length + 1;
    kubelet.answer = (response) => {
      const more = (): void => {
        if (left-- > 0) response.write(chunk, more);
        else response.end();
      };
      more();
    };
    expect(await get(client())).toMatchObject({ kind: 'failed', reason: 'too_large' });
  });

  it('waits no longer than the time-out, for the head or for the body', async () => {
    kubelet.answer = () => undefined;
    expect(await get(client({}, pki.ca, 50))).toMatchObject({ kind: 'failed', reason: 'timeout' });
    kubelet.answer = (response) => void response.write('node_');
    expect(await get(client({}, pki.ca, 50))).toMatchObject({ kind: 'failed', reason: 'timeout' });
  });

  it('tells a closed port, a cut connection and babble apart', async () => {
    const { port } = kubelet;
    kubelet.answer = (response) => response.socket?.destroy();
    expect(await get(client())).toMatchObject({ reason: 'connection_lost' });
    kubelet.answer = (response) => response.socket?.end('garbage\r\n\r\n');
    expect(await get(client())).toMatchObject({ reason: 'unreadable' });
    await kubelet.close();
    expect(await get(client(), `https://127.0.0.1:${port}/`)).toMatchObject({ reason: 'refused' });
    kubelet = await startFakeKubelet(pki.serving);
  });

  it('tells when our own token can’t be read', async () => {
    const access = {
      tls: () => ({ ca: pki.ca }),
      headers: () => Promise.reject(new Error('ENOENT: no token')),
    };
    const http = createKubeletHttp(access, TIMEOUT_MS, 'test');
    open.push(http);
    expect(await get(http)).toEqual({ kind: 'failed', reason: 'no_credentials', detail: 'ENOENT: no token' });
    expect(kubelet.seen).toEqual([]);
  });
});
