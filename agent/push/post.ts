// One HTTPS POST on a kept connection: node:https, HTTP/1.1, bounded in time and in the size of the answer.
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { MAX_REPLY_BYTES } from '../protocol/bounds.ts';

export type PostOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly body: Uint8Array }
  /** `arrived`: whether the aggregator can have taken the body before the connection failed. */
  | { readonly kind: 'failed'; readonly cause: string; readonly arrived: 'no' | 'unknown' };

export interface Connection {
  post(path: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<PostOutcome>;
  /** Whether the next post finds a connection that is open and free. */
  readonly isFree: boolean;
  close(): void;
}

export interface ConnectionOptions {
  readonly baseUrl: string;
  /** Dialled instead of what the host of `baseUrl` resolves to; the certificate is checked against the name. */
  readonly address?: string | undefined;
  /** PEM; undefined: the system's CAs. */
  readonly ca?: string | undefined;
  readonly serverName?: string | undefined;
  readonly timeoutMs: number;
}

/** One for the regular push, one for an urgent one beside it. */
const MAX_SOCKETS = 2;

export function openConnection(options: ConnectionOptions): Connection {
  const base = new URL(options.baseUrl);
  const secure = base.protocol === 'https:';
  const keep = { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_SOCKETS, scheduling: 'lifo' } as const;
  const agent = secure
    ? new https.Agent({
        ...keep,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        ...(options.serverName === undefined ? {} : { servername: options.serverName }),
      })
    : new http.Agent(keep);
  const request = secure ? https.request : http.request;
  const prefix = base.pathname.replace(/\/$/, '');
  // An urgent push does not read the URL first.
  const target = {
    method: 'POST',
    hostname: base.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: base.port,
    agent,
    ...(options.address === undefined ? {} : { lookup: lookupOf(options.address) }),
  };
  return {
    get isFree() {
      return Object.values(agent.freeSockets).some((sockets) => (sockets?.length ?? 0) > 0);
    },
    post: (path, headers, body) =>
      new Promise((resolve) => {
        const req = request({
          ...target,
          path: prefix + path,
          headers: { ...headers, 'content-length': String(body.length) },
        });
        settleWith(req, secure, options.timeoutMs, resolve);
        req.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function lookupOf(address: string): LookupFunction {
  const family = isIP(address);
  return (_, { all }, callback) =>
    all === true ? callback(null, [{ address, family }]) : callback(null, address, family);
}

function settleWith(
  req: http.ClientRequest,
  secure: boolean,
  timeoutMs: number,
  resolve: (outcome: PostOutcome) => void,
): void {
  let arrived: 'no' | 'unknown' = 'no';
  const deadline = setTimeout(() => req.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const settle = (outcome: PostOutcome): void => {
    clearTimeout(deadline);
    resolve(outcome);
  };
  const fail = (err: NodeJS.ErrnoException): void =>
    settle({ kind: 'failed', cause: err.code ? `${err.code}: ${err.message}` : err.message, arrived });
  req.on('socket', (socket) => {
    if (!socket.connecting) arrived = 'unknown';
    else socket.once(secure ? 'secureConnect' : 'connect', () => (arrived = 'unknown'));
  });
  req.on('error', fail);
  req.on('response', (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_REPLY_BYTES) response.destroy(new Error(`the answer is longer than ${MAX_REPLY_BYTES} bytes`));
      else chunks.push(chunk);
    });
    response.on('error', fail);
    response.on('end', () =>
      settle({ kind: 'answered', status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
    );
  });
}
