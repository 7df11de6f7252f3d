// The aggregator's replicas asked one by one, past kube-apiserver: each on its own pod's address, over TLS that is verified.
import type { Cluster } from './cluster.ts';
import { AGGREGATORS, SYSTEM } from './install.ts';
import type { Kube, KubeCredential } from './kube.ts';
import { openKube } from './kube.ts';

export const METRICS_PORT = 4443;
export const PUSH_PORT = 4444;
/** What the serving certificate is for. */
export const METRICS_NAME = 'headroom-metrics.headroom-system.svc';
export const PUSH_NAME = 'headroom-push.headroom-system.svc';

export interface Replica {
  readonly name: string;
  readonly address: string;
}

/** Those that have an address, ready or not. */
export async function replicas({ kube }: Cluster): Promise<readonly Replica[]> {
  const path = `/api/v1/namespaces/${SYSTEM}/pods?labelSelector=${encodeURIComponent(AGGREGATORS)}`;
  const { items } = await kube.json<{
    items: { metadata: { name: string; deletionTimestamp?: string }; status: { podIP?: string } }[];
  }>('GET', path);
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ metadata: { name }, status: { podIP } }) => (podIP === undefined ? [] : [{ name, address: podIP }]));
}

/** The CA that the aggregator published for its clients. */
export async function publishedCa({ kube }: Cluster): Promise<string> {
  const { data } = await kube.json<{ data?: { 'ca.crt'?: string } }>(
    'GET',
    `/api/v1/namespaces/${SYSTEM}/configmaps/headroom-ca`,
  );
  const ca = data?.['ca.crt'];
  if (ca === undefined) throw new Error('ConfigMap headroom-ca has no ca.crt');
  return ca;
}

export function openReplica(
  { address }: Replica,
  credential: KubeCredential,
  port = METRICS_PORT,
  serverName = METRICS_NAME,
): Kube {
  return openKube(`https://${address}:${port}`, { ...credential, serverName });
}
