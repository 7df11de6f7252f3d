// Where the API server is and how to speak to it: in-cluster, or a kubeconfig, which @kubernetes/client-node's KubeConfig reads
// where there is more in it than a certificate or a token (YAML, exec plugins, OIDC, rotated token files). Of that package only
// the configuration is used, and only then is it loaded: its own calls open a connection each.
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { KubeEndpoint, KubeTls } from './endpoint.ts';
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
    return plainKubeconfig(await readFile(path, 'utf8')) ?? (await anyKubeconfig(path));
  } catch (cause) {
    const where = path ?? 'the in-cluster configuration';
    throw new CodedError('kubeconfig', `can't use ${where}: ${(cause as Error).message}`, cause);
  }
}

async function anyKubeconfig(path: string): Promise<KubeEndpoint> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(path);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('the current context names no cluster');
  if (!URL.canParse(cluster.server)) throw new Error(`${cluster.server} is no URL`);
  if (cluster.proxyUrl) throw new Error('a cluster behind proxy-url is not supported');
  const options = await optionsOf(config);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    tls: tlsOf(options),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    headers: () => headersOf(config),
  };
}

async function optionsOf(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  return options;
}

function tlsOf({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): KubeTls {
  return {
    ...(ca ? { ca: ca as Buffer } : {}),
    ...(cert ? { cert: cert as Buffer } : {}),
    ...(key ? { key: key as Buffer } : {}),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}

async function headersOf(config: KubeConfig): Promise<Record<string, string>> {
  const { headers, auth } = await optionsOf(config);
  const named = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value).trim()] as const);
  return {
    ...(auth ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}),
    ...Object.fromEntries(named),
  };
}
