import { describe, expect, it } from 'vitest';
import { kubeconfigText } from '../standalone/kubeconfig.ts';
import { plainKubeconfig } from './plain-kubeconfig.ts';

const PAIR = { cert: 'CERT', key: 'KEY' };
const text = (credential: Parameters<typeof kubeconfigText>[3], server = 'https://127.0.0.1:6443/'): string =>
  kubeconfigText(server, 'CA', 'someone', credential);
const TOKEN = text({ kind: 'token', token: 'secret' });

describe('a kubeconfig in JSON', () => {
  it('with a token is read', async () => {
    const { headers, ...endpoint } = plainKubeconfig(TOKEN)!;
    expect(endpoint).toEqual({
      server: 'https://127.0.0.1:6443',
      tls: { ca: Buffer.from('CA') },
      namespace: undefined,
    });
    expect(await headers()).toEqual({ Authorization: 'Bearer secret' });
  });

  it('with a certificate is read', async () => {
    const { tls, headers } = plainKubeconfig(text({ kind: 'certificate', pair: PAIR }))!;
    expect(tls).toEqual({ ca: Buffer.from('CA'), cert: Buffer.from('CERT'), key: Buffer.from('KEY') });
    expect(await headers()).toEqual({});
  });

  it('has the namespace of its context', () => {
    const named = TOKEN.replace('"cluster": "headroom",', '"cluster": "headroom", "namespace": "n",');
    expect(plainKubeconfig(named)?.namespace).toBe('n');
  });

  it.each([
    ['YAML', 'apiVersion: v1\nkind: Config\n'],
    ['nothing', 'null'],
    ['plain http', text({ kind: 'token', token: 't' }, 'http://127.0.0.1')],
    ['a token in a file', TOKEN.replace('"token"', '"tokenFile"')],
    ['a proxy', TOKEN.replace('"server"', '"proxy-url": "http://p", "server"')],
    ['a context that names nothing', TOKEN.replace('"current-context": "headroom"', '"current-context": "other"')],
    ['lists that are none', TOKEN.replace('"clusters": [', '"clusters": {}, "x": [')],
  ])('with %s is left to others', (_what, other) => {
    expect(other).not.toBe(TOKEN);
    expect(plainKubeconfig(other)).toBeUndefined();
  });
});
