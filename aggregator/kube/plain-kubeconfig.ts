// A kubeconfig (client-go clientcmd/api/v1) in JSON with a client certificate or a token in it, as the standalone writes one. Read
// here so that @kubernetes/client-node, 13 MB of memory, is loaded only for what needs it: YAML, files, exec plugins, OIDC.
import type { KubeEndpoint } from './endpoint.ts';

interface Named {
  readonly name?: unknown;
}

interface Config {
  readonly 'current-context'?: unknown;
  readonly contexts?: readonly (Named & { readonly context?: Readonly<Record<string, unknown>> })[];
  readonly clusters?: readonly (Named & { readonly cluster?: Readonly<Record<string, unknown>> })[];
  readonly users?: readonly (Named & { readonly user?: Readonly<Record<string, unknown>> })[];
}

const CLUSTER = ['server', 'certificate-authority-data', 'tls-server-name'];
const USER = ['client-certificate-data', 'client-key-data', 'token'];

/** Undefined where there is anything that is not read here. */
export function plainKubeconfig(text: string): KubeEndpoint | undefined {
  const config = parsed(text);
  const context = named(config?.contexts, config?.['current-context'])?.context;
  const cluster = strings(named(config?.clusters, context?.['cluster'])?.cluster, CLUSTER);
  const user = strings(named(config?.users, context?.['user'])?.user, USER);
  const server = cluster?.['server'];
  if (!context || !cluster || !user || !server?.startsWith('https://') || !URL.canParse(server)) return undefined;
  const { 'certificate-authority-data': ca, 'tls-server-name': servername } = cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key, token } = user;
  const { namespace } = context;
  const headers: Readonly<Record<string, string>> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return {
    server: server.replace(/\/+$/, ''),
    tls: {
      ...(ca === undefined ? {} : { ca: Buffer.from(ca, 'base64') }),
      ...(cert === undefined ? {} : { cert: Buffer.from(cert, 'base64') }),
      ...(key === undefined ? {} : { key: Buffer.from(key, 'base64') }),
      ...(servername === undefined ? {} : { servername }),
    },
    namespace: typeof namespace === 'string' ? namespace : undefined,
    headers: () => Promise.resolve(headers),
  };
}

function parsed(text: string): Config | undefined {
  try {
    const value = JSON.parse(text) as Config | null;
    return value ?? undefined;
  } catch {
    return undefined; // YAML, most likely
  }
}

function named<T extends Named>(list: readonly T[] | undefined, name: unknown): T | undefined {
  return Array.isArray(list) ? (list as readonly T[]).find((one) => one.name === name) : undefined;
}

/** Undefined unless all members are strings of these names. */
function strings(
  object: Readonly<Record<string, unknown>> | undefined,
  names: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const isPlain =
    object && Object.entries(object).every(([name, value]) => names.includes(name) && typeof value === 'string');
  return isPlain ? (object as Readonly<Record<string, string>>) : undefined;
}
