import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import { loadKubeEndpoint } from './config.ts';

let folder: string;

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function kubeconfig(cluster: string, user = 'token: secret', context = 'c'): string {
  const path = join(folder, `${Math.random()}.yaml`);
  writeFileSync(
    path,
    `apiVersion: v1
kind: Config
current-context: ${context}
contexts: [{ name: c, context: { cluster: k, user: u } }]
clusters: [{ name: k, cluster: { ${cluster} } }]
users: [{ name: u, user: { ${user} } }]
`,
  );
  return path;
}

describe('the endpoint of a kubeconfig', () => {
  it('has the server, its CA and server name, and the credentials', async () => {
    const ca = Buffer.from('CA').toString('base64');
    const path = kubeconfig(
      `server: "https://127.0.0.1:6443/base/", certificate-authority-data: ${ca}, tls-server-name: kube`,
    );
    const endpoint = await loadKubeEndpoint(path);
    expect(endpoint.server).toBe('https://127.0.0.1:6443/base');
    expect(endpoint.tls).toEqual({ ca: Buffer.from('CA'), servername: 'kube' });
    expect(await endpoint.headers()).toEqual({ Authorization: 'Bearer secret' });
  });

  it('has the client certificate', async () => {
    const [cert, key] = ['CERT', 'KEY'].map((text) => Buffer.from(text).toString('base64'));
    const user = `client-certificate-data: ${cert}, client-key-data: ${key}`;
    const endpoint = await loadKubeEndpoint(kubeconfig('server: "https://127.0.0.1:6443"', user));
    expect(endpoint.tls).toEqual({ cert: Buffer.from('CERT'), key: Buffer.from('KEY') });
    expect(await endpoint.headers()).toEqual({});
  });

  it('asks for a kubeconfig outside a cluster', async () => {
    await expect(loadKubeEndpoint(undefined)).rejects.toThrow(/outside a cluster give --kubeconfig/);
  });

  it.each([
    ['a file that is not there', () => join(folder, 'none'), /ENOENT/],
    ['a context that names nothing', () => kubeconfig('server: "https://x"', 'token: t', 'other'), /names no cluster/],
    ['plain http', () => kubeconfig('server: "http://127.0.0.1:1"'), /HTTP/],
    ['a proxy', () => kubeconfig('server: "https://x", proxy-url: "http://p"'), /proxy-url/],
  ])('refuses %s with the path and the cause', async (_what, path, cause) => {
    const file = path();
    const refusal = await loadKubeEndpoint(file).then(
      () => undefined,
      (err: unknown) => err,
    );
    expect(refusal).toBeInstanceOf(CodedError);
    expect(refusal).toMatchObject({ code: 'kubeconfig', message: expect.stringMatching(cause) as string });
    expect((refusal as CodedError).message).toContain(file);
  });
});
