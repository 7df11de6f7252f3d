// The API server as a pod finds it (client-go rest.InClusterConfig): its address in the environment, its CA and the pod's token in
// the service account's volume. The kubelet replaces the token there before it expires.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeEndpoint } from './endpoint.ts';

/** The process's. */
export type Environment = Readonly<Record<string, string | undefined>>;

const VOLUME = '/var/run/secrets/kubernetes.io/serviceaccount';

/** @throws Error outside a pod */
export async function inClusterEndpoint(environment: Environment, volume: string = VOLUME): Promise<KubeEndpoint> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port) throw new Error('KUBERNETES_SERVICE_HOST is not set: outside a cluster give --kubeconfig');
  const text = async (name: string): Promise<string> => (await readFile(join(volume, name), 'utf8')).trim();
  const headers = async (): Promise<Record<string, string>> => ({ Authorization: `Bearer ${await text('token')}` });
  await headers(); // one that can't be read is noticed now
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    tls: { ca: await readFile(join(volume, 'ca.crt')) },
    namespace: await text('namespace').catch(() => undefined),
    headers,
  };
}
