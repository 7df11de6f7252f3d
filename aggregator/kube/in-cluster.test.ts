import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inClusterEndpoint } from './in-cluster.ts';

const ENVIRONMENT = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
let volume: string;

beforeEach(() => {
  volume = mkdtempSync(join(tmpdir(), 'service-account-'));
  for (const [name, text] of Object.entries({ token: 'first\n', 'ca.crt': 'CA', namespace: 'headroom-system\n' }))
    writeFileSync(join(volume, name), text);
});
afterEach(() => rmSync(volume, { recursive: true }));

describe('the endpoint of a pod', () => {
  it('has the address of the environment, and CA, namespace and token of the volume', async () => {
    const { headers, ...endpoint } = await inClusterEndpoint(ENVIRONMENT, volume);
    expect(endpoint).toEqual({
      server: 'https://10.96.0.1:443',
      tls: { ca: Buffer.from('CA') },
      namespace: 'headroom-system',
    });
    expect(await headers()).toEqual({ Authorization: 'Bearer first' });
  });

  it('reads the token anew, and takes an IPv6 address', async () => {
    const { server, headers } = await inClusterEndpoint({ ...ENVIRONMENT, KUBERNETES_SERVICE_HOST: 'fd00::1' }, volume);
    expect(server).toBe('https://[fd00::1]:443');
    writeFileSync(join(volume, 'token'), 'second');
    expect(await headers()).toEqual({ Authorization: 'Bearer second' });
  });

  it('does without a namespace, and not without a token or outside a cluster', async () => {
    rmSync(join(volume, 'namespace'));
    expect((await inClusterEndpoint(ENVIRONMENT, volume)).namespace).toBeUndefined();
    rmSync(join(volume, 'token'));
    await expect(inClusterEndpoint(ENVIRONMENT, volume)).rejects.toThrow(/ENOENT.*token/);
    await expect(inClusterEndpoint({}, volume)).rejects.toThrow(/give --kubeconfig/);
  });
});
