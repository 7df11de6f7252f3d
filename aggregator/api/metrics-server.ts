// The listener of the resource metrics API: HTTPS with HTTP/1.1 keep-alive, client certificates asked for and judged by us.
// Probes come without a certificate, so that the handshake never refuses one.
import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Logger } from '../../agent/runtime/logger.ts';
import type { Health } from '../health.ts';
import { watchConnections } from '../intake/connection-room.ts';
import type { RoomOptions } from '../intake/connection-room.ts';
import type { TrustSource } from '../kube/client-trust.ts';
import { listen } from '../serving/listen.ts';
import type { ItemSource } from '../store/views.ts';
import type { Admit } from './access.ts';
import { refusalAnswer } from './answer.ts';
import { certificateJudge } from './client-certificate.ts';
import type { MetricsText } from './documents.ts';
import { createListGate } from './list-gate.ts';
import { route } from './router.ts';
import type { RouterOptions } from './router.ts';
import { send } from './send.ts';
import { internalError } from './status.ts';

/** PEM. */
interface ServingPair {
  readonly cert: string;
  readonly key: string;
}

export interface MetricsServerOptions {
  readonly tls: ServingPair;
  /** Whose client certificates the handshake asks for. */
  readonly trust: TrustSource;
  readonly admit: Admit;
  /** Unix ms. */
  readonly wallMs?: () => number;
  readonly source: ItemSource;
  readonly health: Health;
  readonly metricsText: () => Promise<MetricsText>;
  readonly missing: (query: URLSearchParams) => object;
  /** Told when the objects of an answer were read, and what the time is; Unix ms. */
  readonly gaveOut?: (instants: Float64Array, nowWallMs: number) => void;
  readonly log: Logger;
  /** Tests give their own. */
  readonly room?: RoomOptions;
}

export interface MetricsServer {
  /** @param port 0: any @returns the port. @throws CodedError `port_in_use` */
  listen(host: string, port: number): Promise<number>;
  /** Serves new connections with this pair; those that are open go on. @throws Error for a pair that can't be used */
  renew(tls: ServingPair): void;
  /** Takes no more requests, lets those under way end, up to 5 s. */
  close(): Promise<void>;
}

/** An idle TLS connection costs 54 KB. All but the front proxy are strangers: probes, clients with tokens or certificates of their own. */
const ROOM: RoomOptions = { most: 512, mostStrangers: 384 };
/** A user in thousands of groups: the front proxy names each in a header, and none may be lost. */
const MAX_HEADER_BYTES = 128 * 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Above the 90 s after which Go clients drop an idle connection: the client closes first and never meets a reset. */
const KEEP_ALIVE_MS = 100_000;
/** Nothing came or went in this time on a connection. */
const STALLED_MS = 120_000;
const CLOSE_TIMEOUT_MS = 5000;

export function createMetricsServer(options: MetricsServerOptions): MetricsServer {
  const { trust, log } = options;
  const routing = routingOf(options);
  let { tls } = options;
  let judge = certificateJudge(trust.current());
  const secured = (): SecureContextOptions => secureContext(tls, trust);
  const server = createServer(
    {
      ...secured(),
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: MAX_HEADER_BYTES,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => void answer(request, response, routing, log),
  );
  const room = watchConnections(server, options.room ?? ROOM);
  server.on('secureConnection', (socket) => {
    // kube-apiserver as front proxy. Every kubelet has a client certificate too, and may not take its places.
    if (socket.authorized && judge(socket).frontProxy) room.vouched(socket);
  });
  server.maxHeadersCount = 0; // above a count node:http drops headers without a word; MAX_HEADER_BYTES bounds them
  server.setTimeout(STALLED_MS);
  server.on('tlsClientError', (err) => log.debug({ err }, 'tls handshake failed'));
  const stopFollowing = trust.onChange(() => {
    judge = certificateJudge(trust.current());
    server.setSecureContext(secured());
  });
  return {
    listen: (host, port) => listen(server, { host, port, flag: 'secure-port', log: options.log }),
    renew(next) {
      server.setSecureContext(secureContext(next, trust));
      tls = next;
    },
    close: () => {
      stopFollowing();
      return close(server);
    },
  };
}

function secureContext({ cert, key }: ServingPair, trust: TrustSource): SecureContextOptions {
  const { clientCa, frontProxy } = trust.current();
  return {
    cert,
    key,
    // Named to the client too: Go sends only a certificate that one of these signed.
    ca: [clientCa, frontProxy?.ca].filter((ca) => ca !== undefined),
    minVersion: 'TLSv1.2',
    // A resumed session has lost the intermediate certificates that the client sent.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function routingOf(options: MetricsServerOptions): RouterOptions {
  const { source, health, metricsText, missing, gaveOut, admit, wallMs = Date.now } = options;
  return {
    source,
    health,
    metricsText,
    missing,
    gate: createListGate(),
    gaveOut: (instants) => gaveOut?.(instants, wallMs()),
    admit,
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routing: RouterOptions,
  log: Logger,
): Promise<void> {
  const startedMs = performance.now();
  try {
    const result = await route(request, routing);
    try {
      await send(request, response, result);
    } finally {
      result.done?.();
    }
    const { code } = result;
    const durationMs = performance.now() - startedMs;
    log.debug({ method: request.method, path: request.url, code, durationMs }, 'request answered');
  } catch (err) {
    log.error({ err, method: request.method, path: request.url }, 'request failed');
    if (response.headersSent) response.destroy();
    else await send(request, response, refusalAnswer(internalError));
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  await closed;
  clearTimeout(timer);
}
