// The metrics API's real server over TLS on loopback, with few objects behind it, and a client: for the tests of aggregator/api.
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { createAdmit } from '../../aggregator/api/access.ts';
import type { AccessOptions } from '../../aggregator/api/access.ts';
import { createIdentify } from '../../aggregator/api/identity.ts';
import type { IdentityOptions } from '../../aggregator/api/identity.ts';
import { createMetricsServer } from '../../aggregator/api/metrics-server.ts';
import type { MetricsServer, MetricsServerOptions } from '../../aggregator/api/metrics-server.ts';
import { createHealth } from '../../aggregator/health.ts';
import { fixedTrust, USUAL_HEADERS } from '../../aggregator/kube/client-trust.ts';
import type { TrustSource } from '../../aggregator/kube/client-trust.ts';
import { ANONYMOUS } from '../../aggregator/kube/user.ts';
import { createClusterPki, FRONT_PROXY_NAME } from '../../aggregator/standalone/pki.ts';
import type { ClusterPki, KeyPair } from '../../aggregator/standalone/pki.ts';
import { fakeItemSource, usageOf } from './item-source.ts';

/** When the points were read, and what the time is; Unix ms. */
export const AT = Date.parse('2026-11-23T12:00:00.900Z');
export const NOW = AT + 2000;
export const V1 = '/apis/metrics.k8s.io/v1';
const MIB = 2 ** 20;

export const USAGE = usageOf(AT, 15_032_000, [59_123_456, 10 * MIB]);

/** Three pods with metrics and one without; a node with and one without. */
export const SOURCE = fakeItemSource(
  [
    { namespace: 'b', name: 'second', labels: { app: 'web' }, usage: USAGE },
    {
      namespace: 'a',
      name: 'first',
      labels: { app: 'db' },
      containers: ['one', 'two'],
      usage: usageOf(AT, 15_000_000, [1_000_000_000, MIB], [500_000_000, 2 * MIB]),
    },
    { namespace: 'a', name: 'without', labels: { app: 'web' } },
    { namespace: 'a', name: 'zz', labels: { app: 'web' }, usage: USAGE },
  ],
  [{ name: 'n1', labels: { zone: 'x' }, usage: USAGE }, { name: 'n2' }],
);

export interface Reply {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Undefined where the body is no JSON. */
  readonly json: unknown;
}

export interface Ask {
  /** Client certificate; undefined: none. */
  readonly who?: KeyPair | undefined;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

export interface MetricsApi {
  readonly pki: ClusterPki;
  readonly port: number;
  readonly ask: (path: string, ask?: Ask) => Promise<Reply>;
  /** With a client certificate of the cluster's CA. */
  readonly asAdmin: (path: string, ask?: Ask) => Promise<Reply>;
  close(): Promise<void>;
}

/** What to accept, for `ask`. */
export function accepting(accept: string): Ask {
  return { headers: { accept } };
}

/** Who asks and what they may; not given: tokens are nobody's, and who is known may do everything. */
export type Rights = Partial<
  Pick<IdentityOptions, 'reviewToken'> & Pick<AccessOptions, 'reviewAccess' | 'alwaysAllowPaths'>
>;

export function usualTrust({ ca, frontProxyCa }: ClusterPki): TrustSource {
  const frontProxy = { ca: frontProxyCa, allowedNames: [FRONT_PROXY_NAME], ...USUAL_HEADERS };
  return fixedTrust({ clientCa: ca, frontProxy });
}

/** @param more what is not as usual; made with certificates that other servers of the test share if `pki` is given */
export async function startMetricsApi(
  more: Partial<MetricsServerOptions> & Rights = {},
  pki?: ClusterPki,
): Promise<MetricsApi> {
  const certificates = pki ?? (await createClusterPki(NOW));
  const server = metricsServer(certificates, more);
  const port = await server.listen('127.0.0.1', 0);
  const ask = (path: string, options: Ask = {}): Promise<Reply> => answered(certificates.ca, port, path, options);
  return {
    pki: certificates,
    port,
    ask,
    asAdmin: (path, options) => ask(path, { who: certificates.admin, ...options }),
    close: () => server.close(),
  };
}

export function metricsServer(pki: ClusterPki, more: Partial<MetricsServerOptions> & Rights = {}): MetricsServer {
  const { trust = usualTrust(pki), wallMs = () => NOW, reviewToken, reviewAccess, alwaysAllowPaths, ...rest } = more;
  const monoMs = wallMs;
  const admit = createAdmit({
    identify: createIdentify({
      trust,
      reviewToken: reviewToken ?? (() => Promise.resolve({ kind: 'rejected', reason: 'nobody’s' })),
      tokenTtlMs: 10_000,
      monoMs,
      wallMs,
    }),
    reviewAccess:
      reviewAccess ??
      (({ name }) => Promise.resolve(name === ANONYMOUS.name ? { kind: 'denied', reason: '' } : { kind: 'allowed' })),
    alwaysAllowPaths: alwaysAllowPaths ?? ['/healthz', '/livez', '/readyz'],
    authorizedTtlMs: 10_000,
    unauthorizedTtlMs: 10_000,
    monoMs,
  });
  return createMetricsServer({
    tls: pki.serving,
    trust,
    admit,
    source: SOURCE,
    health: createHealth({ livez: [], readyz: [{ name: 'store', problem: () => 'no metrics to serve' }] }),
    metricsText: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    missing: (query) => ({ asked: query.toString() }),
    wallMs,
    log: silentLogger,
    ...rest,
  });
}

async function answered(
  ca: string,
  port: number,
  path: string,
  { who, method = 'GET', headers = {} }: Ask,
): Promise<Reply> {
  const agent = new Agent({ ca, ...who });
  const request = httpsRequest({ agent, host: '127.0.0.1', port, path, method, headers });
  request.end();
  const [response] = (await once(request, 'response')) as [
    AsyncIterable<Buffer> & { readonly statusCode: number; readonly headers: IncomingHttpHeaders },
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  agent.destroy();
  const body = Buffer.concat(chunks);
  const isJson = /json/.test(response.headers['content-type'] ?? '') && !response.headers['content-encoding'];
  return {
    code: response.statusCode,
    headers: response.headers,
    body,
    json: isJson && body.length > 0 ? JSON.parse(body.toString()) : undefined,
  };
}
