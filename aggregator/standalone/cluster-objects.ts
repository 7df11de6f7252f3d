// What is in a cluster before anything runs in it: namespaces, Headroom's ServiceAccounts, and what the control plane publishes
// of its certificate authorities.
import { TRUST_NAME, TRUST_NAMESPACE } from '../kube/client-trust.ts';
import { ObjectStore } from './api/object-store.ts';
import type { ClusterPki } from './pki.ts';
import { FRONT_PROXY_NAME } from './pki.ts';
import { SYSTEM_NAMESPACE } from './roles.ts';

export const AGENT_ACCOUNT = 'headroom-agent';
export const AGGREGATOR_ACCOUNT = 'headroom-aggregator';

const MOST_EVENTS = 1000;

export function createClusterObjects(pki: ClusterPki, wallTimeMs: () => number): ObjectStore {
  const store = new ObjectStore({ wallTimeMs, caps: { events: MOST_EVENTS } });
  for (const name of ['default', TRUST_NAMESPACE]) {
    store.create('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
      status: { phase: 'Active' },
    });
  }
  for (const name of [AGENT_ACCOUNT, AGGREGATOR_ACCOUNT]) {
    const metadata = { name, namespace: SYSTEM_NAMESPACE };
    store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  }
  publishTrust(store, pki);
  return store;
}

/** As kube-apiserver does for the servers behind it. */
export function publishTrust(store: ObjectStore, { ca, frontProxyCa }: ClusterPki): void {
  store.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: TRUST_NAME, namespace: TRUST_NAMESPACE },
    data: {
      'client-ca-file': ca,
      'requestheader-client-ca-file': frontProxyCa,
      'requestheader-allowed-names': JSON.stringify([FRONT_PROXY_NAME]),
      'requestheader-username-headers': '["X-Remote-User"]',
      'requestheader-uid-headers': '["X-Remote-Uid"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    },
  });
}
