// The kubeconfig of the run: client-go's clientcmd v1 Config, written as JSON, which is YAML too.
import type { KeyPair } from './pki.ts';

export type Credential =
  { readonly kind: 'certificate'; readonly pair: KeyPair } | { readonly kind: 'token'; readonly token: string };

/** @param server https://host:port */
export function kubeconfigText(server: string, ca: string, userName: string, credential: Credential): string {
  const user =
    credential.kind === 'token'
      ? { token: credential.token }
      : {
          'client-certificate-data': base64(credential.pair.cert),
          'client-key-data': base64(credential.pair.key),
        };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'headroom', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: userName, user }],
    contexts: [{ name: 'headroom', context: { cluster: 'headroom', user: userName } }],
    'current-context': 'headroom',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
