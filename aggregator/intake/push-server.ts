// The push port: HTTPS/1.1 with keep-alive, one route. Every connection, header, body and wait has a bound.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { setImmediate } from 'node:timers/promises';
import { BATCH_PATH } from '../../agent/protocol/batch.ts';
import { MAX_BATCH_BYTES } from '../../agent/protocol/bounds.ts';
import { encodePushError, encodeReply, PUSH_ERROR_STATUS } from '../../agent/protocol/push-reply.ts';
import { listen } from '../serving/listen.ts';
import { watchClockSkew } from './clock-skew.ts';
import { watchConnections } from './connection-room.ts';
import type { ConnectionRoom, RoomOptions } from './connection-room.ts';
import { createPushAllowance } from './push-allowance.ts';
import { watchPushRefusals } from './push-refusals.ts';
import type { PushAnswer, PushParts, PushWatch } from './push-route.ts';
import { refused, takePush, wantedOfPushes } from './push-route.ts';

/** PEM. */
export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface PushServerOptions extends PushParts {
  readonly tls: ServingCertificate;
  /** Tests give their own. */
  readonly room?: RoomOptions;
}

export interface PushServer {
  /** @returns the port @throws CodedError port_in_use */
  listen(host: string, port: number): Promise<number>;
  /** Serves new connections with this pair; those that are open go on. @throws Error for a pair that can't be used */
  renew(tls: ServingCertificate): void;
  close(): Promise<void>;
}

/** An idle TLS connection costs 54 KB. So many agents may wait at once for their tokens to be reviewed. */
const ROOM: RoomOptions = { most: 12_000, mostStrangers: 4096 };
const MAX_HEADER_BYTES = 16 * 1024;
/** All bodies that are being received; 64 of the largest. */
const MAX_ROOM_BYTES = 64 * MAX_BATCH_BYTES;
const MAX_DISCARDED_BYTES = 4 * MAX_BATCH_BYTES;
const TIMEOUTS = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5000,
  /** Longer than any push interval that is sensible: 5 s is the default. */
  keepAliveTimeout: 75_000,
};

export function createPushServer(options: PushServerOptions): PushServer {
  const { log, tls } = options;
  const watch: PushWatch = {
    skew: watchClockSkew(log),
    room: { takenBytes: 0, maxBytes: MAX_ROOM_BYTES },
    refusals: watchPushRefusals(log, options.clock),
    allowance: createPushAllowance(options.clock),
    wanted: wantedOfPushes(),
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const wrong = wrongRoute(request);
    if (wrong !== undefined) return answerPlain(request, response, wrong);
    const given = await taken(request, options, watch);
    if (given.kind === 'reply') room.vouched(request.socket, given.node);
    if (given.kind === 'reply' && given.urgent) await setImmediate();
    answer(request, response, given, options);
  };
  const server = createServer({ ...tls, ...TIMEOUTS, maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    handle(request, response).catch((err: unknown) => {
      log.error({ err }, 'push failed');
      response.destroy();
    });
  });
  const room: ConnectionRoom = watchConnections(server, options.room ?? ROOM);
  server.on('tlsClientError', (err) => log.debug({ err }, 'tls handshake failed'));
  return {
    listen: (host, port) => listen(server, { host, port, flag: 'push-port', log: options.log }),
    renew: (pair) => server.setSecureContext(pair),
    close: () => closeServer(server),
  };
}

async function taken(request: IncomingMessage, options: PushParts, watch: PushWatch): Promise<PushAnswer> {
  const verdict = await options.agents.identify(request.headers.authorization);
  if (request.destroyed) return { kind: 'aborted' };
  if (verdict.kind === 'agent') {
    const answer = await takePush(request, verdict.node, options, watch);
    if (answer.kind === 'refused') options.onRefused?.(verdict.node, answer.error.code, answer.error.message);
    return answer;
  }
  const { code, message, claimedNode: node } = verdict;
  watch.refusals.stranger({ address: request.socket.remoteAddress ?? '', node }, code, message);
  options.onRefused?.(node, code, message);
  return refused(code, message);
}

type HttpsServer = ReturnType<typeof createServer>;

function closeServer(server: HttpsServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function wrongRoute(request: IncomingMessage): 404 | 405 | undefined {
  if (request.url?.split('?', 1)[0] !== BATCH_PATH) return 404;
  return request.method === 'POST' ? undefined : 405;
}

function answerPlain(request: IncomingMessage, response: ServerResponse, status: 404 | 405): void {
  const text = status === 404 ? `only ${BATCH_PATH} is here\n` : `${BATCH_PATH} takes POST\n`;
  send(request, response, status, 'text/plain', Buffer.from(text), status === 405 ? { allow: 'POST' } : {});
}

function answer(request: IncomingMessage, response: ServerResponse, given: PushAnswer, { metrics }: PushParts): void {
  if (given.kind === 'aborted') return metrics.pushed('aborted', 0, 0);
  const seconds = (performance.now() - given.beganMs) / 1000;
  if (given.kind === 'reply') {
    metrics.pushed('accepted', given.bytes, seconds);
    // Node's TLS keeps the memory of the most that was ever read at once, per connection. The agent opens another.
    if (given.introduces) response.shouldKeepAlive = false;
    return send(request, response, 200, 'application/json', encodeReply(given.reply), {});
  }
  const { code } = given.error;
  metrics.pushed(code, given.bytes, seconds);
  const headers: Record<string, string> = code === 'overloaded' || code === 'unavailable' ? { 'retry-after': '1' } : {};
  send(request, response, PUSH_ERROR_STATUS[code], 'application/json', encodePushError(given.error), headers);
}

/** What is left of a refused body is thrown away if it is little, so that the sender gets to read the answer; else the connection ends. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  if (!request.complete && !(Number(request.headers['content-length']) <= MAX_DISCARDED_BYTES)) {
    response.shouldKeepAlive = false;
  }
  response.writeHead(status, { 'content-type': type, 'content-length': body.length, ...headers });
  response.end(body);
}
