// The API server of a cluster of one: HTTPS, in memory, as much of kube-apiserver as kubectl, the aggregator and their tests ask for.
// Source: Kubernetes API concepts; facts about each part are in the files beside this one.
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { CodedError } from '../../../agent/runtime/coded-error.ts';
import type { Logger } from '../../../agent/runtime/logger.ts';
import { accessAttributes } from '../../api/access-attributes.ts';
import { forbidden } from '../../api/access-refusals.ts';
import { statusBody } from '../../api/status.ts';
import { mayDo } from './access-rules.ts';
import { authenticate } from './authenticate.ts';
import { discoveryDocument } from './discovery.ts';
import { dropOldEvents } from './event-ttl.ts';
import type { ResourceOptions } from './answer-resource.ts';
import { answerResource } from './answer-resource.ts';
import type { MetricsBackend } from './metrics-proxy.ts';
import { createMetricsProxy } from './metrics-proxy.ts';
import { readJsonBody } from './request-body.ts';
import { METRICS_GROUP, parseResourcePath } from './resources.ts';
import { answerReview, reviewAt } from './reviews.ts';
import type { TokenAuthority } from './account-tokens.ts';
import { badRequest, noSuchPath, Refusal, unauthorized } from './status.ts';

export interface ClusterApiOptions extends ResourceOptions {
  readonly log: Logger;
  /** 127.0.0.1 unless given. */
  readonly host?: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string };
  readonly tokens: TokenAuthority;
  /** The aggregator behind metrics.k8s.io; no such group is served where this is not given. */
  readonly metrics?: () => MetricsBackend | undefined;
  /** Text of /metrics (Prometheus exposition); no such page where this is not given. */
  readonly metricsPage?: () => string;
}

export interface ClusterApi {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const EVENT_SWEEP_MS = 60_000;

/** @throws CodedError port_in_use */
export async function createClusterApi(options: ClusterApiOptions): Promise<ClusterApi> {
  const { tls, host = '127.0.0.1', port, log } = options;
  const proxy = options.metrics ? createMetricsProxy(options.metrics) : undefined;
  const server = createServer(
    {
      cert: tls.cert,
      key: tls.key,
      ca: tls.clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
    },
    (request, response) => {
      answer(options, proxy, request, response).catch((error: unknown) => writeFailure(log, response, error));
    },
  );
  const sockets = new Set<Duplex>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new CodedError('port_in_use', `${host}:${port} is in use: choose another port with --api-port`, cause)
          : cause,
      ),
    );
    server.listen(port, host, resolve);
  });
  const oldEvents = setInterval(() => dropOldEvents(options.store, options.wallTimeMs()), EVENT_SWEEP_MS);
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `https://${host}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        clearInterval(oldEvents);
        proxy?.close();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function answer(
  options: ClusterApiOptions,
  proxy: ReturnType<typeof createMetricsProxy> | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = `https://cluster${request.url ?? '/'}`;
  if (!request.url?.startsWith('/') || !URL.canParse(target)) throw badRequest('the request names no path');
  const url = new URL(target);
  if (/^\/(healthz|readyz|livez)(\/|$)/.test(url.pathname)) return void response.end('ok');
  if (url.pathname === '/version') return writeJson(response, 200, VERSION);
  const user = authenticate(request, options.tokens);
  if (!user) throw unauthorized();
  const { method = '' } = request;
  const attributes = accessAttributes({ method, path: url.pathname, query: url.searchParams, target: undefined });
  if (!mayDo(user, attributes)) return writeJson(response, 403, statusBody(forbidden(user, attributes, '')));
  if (proxy && new RegExp(`^/apis/${METRICS_GROUP}/v[^/]+`).test(url.pathname))
    return proxy.pass(request, response, user);
  if (url.pathname === '/metrics' && options.metricsPage) {
    response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
    return void response.end(options.metricsPage());
  }
  const document = discoveryDocument(url.pathname, request.headers.accept ?? '', proxy !== undefined);
  if (document) {
    response.setHeader('Vary', 'Accept');
    return writeJson(response, 200, document.body, document.contentType);
  }
  const review = method === 'POST' ? reviewAt(url.pathname) : undefined;
  if (review) return writeJson(response, 201, answerReview(review, options, await readJsonBody(request), user));
  const path = parseResourcePath(url.pathname);
  if (!path) throw noSuchPath();
  const reply = await answerResource(options, path, url.searchParams, request, response);
  if (reply) writeJson(response, reply.code, reply.body, reply.contentType);
}

function writeJson(response: ServerResponse, code: number, body: unknown, contentType = 'application/json'): void {
  const text = JSON.stringify(body);
  response.writeHead(code, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-cache, private',
  });
  response.end(text);
}

function writeFailure(log: Logger, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  if (error instanceof Refusal) return writeJson(response, error.status.code, error.status);
  log.error({ err: error }, 'api request failed');
  const message = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`;
  writeJson(response, 500, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'InternalError',
    code: 500,
  });
}

/** The Kubernetes API level that is imitated: pods/resize is GA and pods carry observedGeneration. */
const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+headroom',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-04-22T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};
