// Where the API server is and how to speak to it: kubeconfig or in-cluster, read by @kubernetes/client-node's KubeConfig
// (exec plugins, OIDC and rotated token files included). Only its configuration is used: its own calls open a connection each.
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { CodedError } from '../../agent/runtime/coded-error.ts';

export interface KubeTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface KubeEndpoint {
  /** Scheme, host, port and base path, without a slash at the end. */
  readonly server: string;
  readonly tls: KubeTls;
  /** Of the pod's service account, or of the kubeconfig's context; undefined: neither says. */
  readonly namespace: string | undefined;
  /** Authorization and impersonation as they are now; reads files at times. */
  headers(): Promise<Readonly<Record<string, string>>>;
}

/**
 * @param path a kubeconfig; undefined: the pod's own service account
 * @throws CodedError kubeconfig when there is neither, or it names no cluster
 */
export async function loadKubeEndpoint(path: string | undefined): Promise<KubeEndpoint> {
  const config = new KubeConfig();
  try {
    if (path === undefined) config.loadFromCluster();
    else config.loadFromFile(path);
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new Error('the current context names no cluster');
    // Outside a cluster the in-cluster server reads "https://undefined:undefined".
    if (!URL.canParse(cluster.server))
      throw new Error(`${cluster.server} is no URL; outside a cluster give --kubeconfig`);
    if (cluster.proxyUrl) throw new Error('a cluster behind proxy-url is not supported');
    const options = await optionsOf(config);
    return {
      server: cluster.server.replace(/\/+$/, ''),
      tls: tlsOf(options),
      namespace: config.getContextObject(config.getCurrentContext())?.namespace,
      headers: () => headersOf(config),
    };
  } catch (cause) {
    const where = path ?? 'the in-cluster configuration';
    throw new CodedError('kubeconfig', `can't use ${where}: ${(cause as Error).message}`, cause);
  }
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
