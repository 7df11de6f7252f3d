// Where the API server is and how to speak to it: in-cluster, or a kubeconfig, which @kubernetes/client-node reads (any-kubeconfig.ts)
// where there is more in it than a certificate or a token. Only then is that package loaded.
import { readFile } from 'node:fs/promises';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { KubeEndpoint } from './endpoint.ts';
import { inClusterEndpoint } from './in-cluster.ts';
import type { Environment } from './in-cluster.ts';
import { plainKubeconfig } from './plain-kubeconfig.ts';

/**
 * @param path a kubeconfig; undefined: the pod's own service account
 * @throws CodedError kubeconfig when there is neither, or it names no cluster
 */
export async function loadKubeEndpoint(path: string | undefined, environment: Environment = {}): Promise<KubeEndpoint> {
  try {
    if (path === undefined) return await inClusterEndpoint(environment);
    return plainKubeconfig(await readFile(path, 'utf8')) ?? (await asClientNodeReads(path));
  } catch (cause) {
    const where = path ?? 'the in-cluster configuration';
    throw new CodedError('kubeconfig', `can't use ${where}: ${(cause as Error).message}`, cause);
  }
}

async function asClientNodeReads(path: string): Promise<KubeEndpoint> {
  const { anyKubeconfig } = await import('./any-kubeconfig.ts');
  return anyKubeconfig(path);
}
