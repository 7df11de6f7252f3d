import { describe, expect, it } from 'vitest';
import { createClusterPki } from '../standalone/pki.ts';
import { projectTrust } from './client-trust.ts';
import type { WireObject } from './wire.ts';

const pki = await createClusterPki(Date.now());

function configMap(data: Readonly<Record<string, string>>, name = 'extension-apiserver-authentication'): WireObject {
  return { metadata: { name, namespace: 'kube-system' }, data } as WireObject;
}

describe('projectTrust', () => {
  it('reads what kube-apiserver publishes', () => {
    const projected = projectTrust(
      configMap({
        'client-ca-file': pki.ca,
        'requestheader-client-ca-file': pki.frontProxyCa,
        'requestheader-allowed-names': '["front-proxy-client"]',
        'requestheader-username-headers': '["X-Remote-User"]',
        'requestheader-uid-headers': '["X-Remote-Uid"]',
        'requestheader-group-headers': '["X-Remote-Group"]',
        'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
      }),
    );
    expect(projected).toEqual({
      kind: 'trust',
      trust: {
        clientCa: pki.ca,
        frontProxy: {
          ca: pki.frontProxyCa,
          allowedNames: ['front-proxy-client'],
          usernameHeaders: ['x-remote-user'],
          uidHeaders: ['x-remote-uid'],
          groupHeaders: ['x-remote-group'],
          extraHeaderPrefixes: ['x-remote-extra-'],
        },
      },
    });
  });

  it('trusts nobody where nothing is published', () => {
    const trust = { clientCa: undefined, frontProxy: undefined };
    expect(projectTrust(configMap({}))).toEqual({ kind: 'trust', trust });
  });

  it.each([
    ['a CA that is none', { 'client-ca-file': 'nonsense' }, 'client-ca-file: no certificate in it'],
    [
      'a broken certificate',
      { 'client-ca-file': pki.ca.replace(/\n.{20}/, '\nAAAA') },
      "client-ca-file: a certificate can't be read",
    ],
    [
      'names that are no list',
      { 'requestheader-client-ca-file': pki.frontProxyCa, 'requestheader-allowed-names': '"front-proxy-client"' },
      'requestheader-allowed-names: must be a JSON list of strings',
    ],
    [
      'headers that are no JSON',
      { 'requestheader-client-ca-file': pki.frontProxyCa, 'requestheader-username-headers': 'X-Remote-User' },
      'requestheader-username-headers: must be a JSON list of strings',
    ],
  ])('takes nothing of a ConfigMap with %s', (_what, data, reason) => {
    const projected = projectTrust(configMap(data));
    expect(projected).toMatchObject({ kind: 'unusable', reason: expect.stringContaining(reason) });
  });

  it('looks at no other object', () => {
    expect(projectTrust(configMap({}, 'kube-root-ca.crt'))).toBeUndefined();
  });
});
