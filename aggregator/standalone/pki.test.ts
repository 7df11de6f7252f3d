import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createClusterPki } from './pki.ts';

describe('createClusterPki', () => {
  it('signs each certificate by the authority that its users trust, and by no other', async () => {
    const pki = await createClusterPki(Date.now());
    const cluster = new X509Certificate(pki.ca);
    const frontProxy = new X509Certificate(pki.frontProxyCa);
    const serving = new X509Certificate(pki.serving.cert);
    expect(serving.verify(cluster.publicKey)).toBe(true);
    expect(serving.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(serving.checkHost('localhost')).toBe('localhost');
    expect(new X509Certificate(pki.admin.cert).verify(cluster.publicKey)).toBe(true);
    expect(new X509Certificate(pki.admin.cert).subject).toContain('O=system:masters');
    expect(new X509Certificate(pki.frontProxyClient.cert).verify(frontProxy.publicKey)).toBe(true);
    expect(new X509Certificate(pki.frontProxyClient.cert).verify(cluster.publicKey)).toBe(false);
  });
});
