// What the fake API server answers besides nodes and pods: reviews of tokens and of access, the front proxy's ConfigMap, and
// nothing at all of other kinds.
import { SERVICE_ACCOUNT, tokenClaims } from './cluster-token.ts';

export interface Reviewed {
  readonly status: number;
  readonly body: object;
}

/** A list or a single object that is not there. */
export function elsewhere(path: string): Reviewed {
  const name = /\/[a-z]+\/([^/]+)$/.exec(path)?.[1] ?? '';
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
  return { status: 404, body: { ...status, message: `"${name}" not found` } };
}

export function authenticationConfig(clientCa: string, frontProxyCa: string, version: number): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'extension-apiserver-authentication',
      namespace: 'kube-system',
      uid: 'extension-apiserver-authentication',
      resourceVersion: String(version),
    },
    data: {
      'client-ca-file': clientCa,
      'requestheader-client-ca-file': frontProxyCa,
      'requestheader-allowed-names': '["front-proxy-client"]',
      'requestheader-username-headers': '["X-Remote-User"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    },
  };
}

/** undefined: no review. */
export function reviewOf(path: string, body: unknown): Reviewed | undefined {
  const object = body as { readonly spec?: { readonly token?: string; readonly audiences?: readonly string[] } };
  if (path.endsWith('/subjectaccessreviews')) return { status: 201, body: { ...object, status: { allowed: true } } };
  if (!path.endsWith('/tokenreviews')) return undefined;
  const node = tokenClaims(object.spec?.token ?? '')?.['kubernetes.io'].node.name;
  if (node === undefined) return { status: 201, body: { ...object, status: { authenticated: false } } };
  const [namespace, name] = SERVICE_ACCOUNT;
  const user = {
    username: `system:serviceaccount:${namespace}:${name}`,
    uid: 'a7d5b9a4-0c44-4a7e-9d3b-5a2f1a7c0e11',
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {
      'authentication.kubernetes.io/node-name': [node],
      'authentication.kubernetes.io/pod-name': [`headroom-agent-${node.slice(7, 11)}`],
    },
  };
  return { status: 201, body: { ...object, status: { authenticated: true, user, audiences: object.spec?.audiences } } };
}
