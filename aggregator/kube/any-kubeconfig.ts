// A kubeconfig with more in it than a certificate or a token (YAML, exec plugins, an OIDC token while it lasts), as the KubeConfig of
// @kubernetes/client-node reads it, which knows no `tokenFile`. Of that package only the configuration is used: its own calls open a
// connection each. A file of its own, loaded when one is met: the package is eight times the rest of the aggregator, and what is named
// here is all of it that a bundle takes in.
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { KubeEndpoint, KubeTls } from './endpoint.ts';

/** @throws Error when it names no cluster, or one that needs what is not supported */
export async function anyKubeconfig(path: string): Promise<KubeEndpoint> {
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
