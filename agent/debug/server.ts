// The node-local debugging endpoint: plain HTTP, bound to loopback unless told otherwise (kubectl port-forward reaches it there).
// Every request passes the guard; a token is told in the Authorization header, or once as ?token= for a browser's cookie.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { CodedError } from '../runtime/coded-error.ts';
import type { Address } from '../runtime/flag-table.ts';
import type { Logger } from '../runtime/logger.ts';
import { judgeAsking, sameSecret } from './guard.ts';
import type { Asking } from './guard.ts';

export interface DebugRequest {
  readonly query: URLSearchParams;
  /** What follows the route's prefix; '' for an exact one. */
  readonly rest: string;
  /** What a browser's EventSource saw last before it came back. */
  readonly lastEventId: string | undefined;
  /** Of a PUT, at most 4 KiB. */
  readonly body: string;
  /** Aborted when the asker goes away. */
  readonly signal: AbortSignal;
}

export interface DebugAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Readable;
  /** Offered for saving under this name. */
  readonly fileName?: string;
}

export interface DebugRoute {
  readonly method: 'GET' | 'PUT';
  /** Exact, or a prefix when it ends with a slash ('/' itself is exact). */
  readonly path: string;
  readonly needsToken: boolean;
  answer(request: DebugRequest): DebugAnswer | Promise<DebugAnswer>;
}

export interface DebugServerOptions {
  readonly address: Address;
  /** @returns undefined: there is none @throws CodedError when its file can't be read */
  readonly token: () => string | undefined;
  readonly routes: readonly DebugRoute[];
  readonly log: Logger;
}

export interface DebugServer {
  readonly port: number;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 4096;
const COOKIE = 'headroom_debug';
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** @throws CodedError port_in_use, bad_flag for a listener beyond loopback without a token */
export async function startDebugServer(options: DebugServerOptions): Promise<DebugServer> {
  const { address } = options;
  const loopback = isLoopback(address.host);
  const where = `${address.host}:${address.port}`;
  if (!loopback && options.token() === undefined) {
    throw new CodedError('bad_flag', `--debug-listen=${where} is no loopback address: it needs --debug-token-file`);
  }
  const server = http.createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (req, res) => {
    respond(req, res, options, loopback).catch((err: unknown) => {
      options.log.error({ err, path: req.url?.split('?', 1)[0] }, 'debug request failed');
      if (res.headersSent) res.destroy();
      else send(res, plain(500, 'internal error\n'), req.method === 'HEAD');
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (err: NodeJS.ErrnoException) => {
      const taken = err.code === 'EADDRINUSE';
      reject(taken ? new CodedError('port_in_use', `--debug-listen=${where}: the port is taken`, err) : err);
    });
    server.listen(address.port, address.host === '' ? undefined : address.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(
  req: http.IncomingMessage,
  res: http.ServerResponse,
  { routes, token, log }: DebugServerOptions,
  loopback: boolean,
): Promise<void> {
  const head = req.method === 'HEAD';
  const url = new URL(`http://debug${/^\/[^/\\]/.test(req.url ?? '') ? req.url : '/'}`);
  const path = url.pathname;
  const here = routes.filter((each) => matches(each, path));
  const known = token();
  const method = req.method ?? 'GET';
  const route = here.find((each) => each.method === (head ? 'GET' : method));
  const verdict = judgeAsking(askingOf(req, method, path, url.searchParams), {
    loopback,
    token: known,
    needsToken: route?.needsToken ?? here.some(({ needsToken }) => needsToken),
  });
  if (verdict.kind === 'refused') {
    log.debug({ path, reason: verdict.reason }, 'debug request refused');
    if (verdict.status === 401) res.setHeader('www-authenticate', 'Bearer');
    return send(res, plain(verdict.status, `${verdict.reason}\n`), head);
  }
  const offered = url.searchParams.get('token');
  if (path === '/' && offered !== null && known !== undefined && sameSecret(offered, known)) {
    // Out of the address bar and the history; scripts can't read it, other sites can't send it.
    res.writeHead(303, { ...HEADERS, location: '/', 'set-cookie': cookieOf(known) }).end();
    return;
  }
  if (path === '/' && offered !== null && known !== undefined)
    return send(res, plain(401, 'this is not the token of the debugging endpoint\n'), head);
  if (here.length === 0) return send(res, plain(404, 'not found\n'), head);
  if (!route) {
    const methods = here.map((each) => each.method).join(', ');
    res.setHeader('allow', methods);
    return send(res, plain(405, `only ${methods}\n`), head);
  }
  const body = route.method === 'PUT' ? await readSmall(req) : '';
  if (body === undefined) return send(res, plain(413, `at most ${MAX_BODY_BYTES} bytes\n`), head);
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const rest = route.path.endsWith('/') && route.path !== '/' ? path.slice(route.path.length) : '';
  const lastEventId = [req.headers['last-event-id']].flat()[0];
  const request = { query: url.searchParams, rest, lastEventId, body, signal: gone.signal };
  send(res, await route.answer(request), head);
}

function matches({ path }: DebugRoute, asked: string): boolean {
  return path !== '/' && path.endsWith('/') ? asked.startsWith(path) : asked === path;
}

function askingOf(req: http.IncomingMessage, method: string, path: string, query: URLSearchParams): Asking {
  const one = (name: string): string | undefined => {
    const value = req.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const bearer = /^Bearer (.+)$/i.exec(one('authorization') ?? '')?.[1];
  const cookie = new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]+)`).exec(one('cookie') ?? '')?.[1];
  // In the address only for the page itself: elsewhere it would end in logs.
  const inQuery = path === '/' ? (query.get('token') ?? undefined) : undefined;
  return {
    method,
    path,
    host: one('host'),
    origin: one('origin'),
    fetchSite: one('sec-fetch-site'),
    fetchMode: one('sec-fetch-mode'),
    token: bearer ?? (cookie === undefined ? inQuery : decoded(cookie)),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function cookieOf(token: string): string {
  return `${COOKIE}=${encodeURIComponent(token)}; Path=/; HttpOnly; SameSite=Strict`;
}

async function readSmall(req: http.IncomingMessage): Promise<string | undefined> {
  let text = '';
  for await (const chunk of req) {
    text += String(chunk);
    if (text.length > MAX_BODY_BYTES) return undefined;
  }
  return text;
}

function send(res: http.ServerResponse, { status, type, body, fileName }: DebugAnswer, head: boolean): void {
  res.writeHead(status, {
    ...HEADERS,
    'content-type': type,
    ...(fileName === undefined ? {} : { 'content-disposition': `attachment; filename="${fileName}"` }),
  });
  if (head) {
    if (typeof body !== 'string') body.destroy();
    res.end();
  } else if (typeof body === 'string') res.end(body);
  else {
    // Whichever ends or fails first takes the other along: a reader that was let go must not hold its connection.
    pipeline(body, res, () => undefined);
  }
}

export function plain(status: number, body: string): DebugAnswer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

export function jsonOf(value: unknown): DebugAnswer {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
