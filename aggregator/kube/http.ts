// HTTP to the API server on kept connections: a small pool for calls, so that a patch never waits for a TLS handshake,
// and one apart for lists and watches. HTTP/1.1 as undici speaks it; every call ends by a time-out.
import type { Dispatcher } from 'undici';
import { createAgent } from './agent.ts';
import type { KubeEndpoint } from './endpoint.ts';
import { freshHeaders } from './fresh-headers.ts';

/** Any status is an answer; only I/O throws. */
export interface KubeAnswer {
  readonly status: number;
  /** Seconds, from Retry-After; 0: none. */
  readonly retryAfterSeconds: number;
  /** Parsed JSON, or undefined when the body is none. */
  readonly body: unknown;
  /** performance.now() when the status was here: what was asked for is done, its body still to be read. */
  readonly answeredMs?: number;
}

export interface KubeCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** Path and query, from /api or /apis on. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** A list's or a watch's answer: status and the body's chunks as they come. */
export interface KubeStream {
  readonly status: number;
  /** As in KubeAnswer. */
  readonly retryAfterSeconds: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface KubeHttp {
  call(call: KubeCall): Promise<KubeAnswer>;
  /** Ends by the signal alone. A body that is not read to its end has to be ended by it. */
  stream(path: string, signal: AbortSignal): Promise<KubeStream>;
  close(): Promise<void>;
}

const CALL_CONNECTIONS = 4;
/** One a reflector, opened when it is needed: one too few would keep a list waiting for as long as a watch lasts. */
const WATCH_CONNECTIONS = 32;
const CALL_TIMEOUT_MS = 10_000;
/** A page of 500 objects is far below this. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 30_000;
/** kube-apiserver closes a connection that was idle for 90 s. */
const KEEP_ALIVE_MS = 85_000;

export function createKubeHttp(endpoint: KubeEndpoint, userAgent: string): KubeHttp {
  const { calls, watches } = createAgents(endpoint);
  const { origin, pathname } = new URL(endpoint.server);
  const prefix = pathname === '/' ? '' : pathname;
  const headers = freshHeaders(async () => ({
    accept: 'application/json',
    'user-agent': userAgent,
    ...(await endpoint.headers()),
  }));

  async function call(request: KubeCall): Promise<KubeAnswer> {
    const used = await headers();
    const deadline = AbortSignal.timeout(request.timeoutMs ?? CALL_TIMEOUT_MS);
    const signal = request.signal ? AbortSignal.any([deadline, request.signal]) : deadline;
    const answer = await callAs(used, request, signal);
    if (answer.status !== 401) return answer;
    headers.expire();
    const now = await headers();
    // The token was replaced meanwhile: nothing was done with the one before.
    return isSame(used, now) ? answer : callAs(now, request, signal);
  }

  async function callAs(
    credential: Record<string, string>,
    request: KubeCall,
    signal: AbortSignal,
  ): Promise<KubeAnswer> {
    const response = await calls.request({
      origin,
      path: prefix + request.path,
      method: request.method,
      headers: {
        ...credential,
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal,
    });
    const answeredMs = performance.now();
    const body = await jsonOf(response);
    return { status: response.statusCode, retryAfterSeconds: retryAfter(response), body, answeredMs };
  }

  async function stream(path: string, signal: AbortSignal): Promise<KubeStream> {
    const response = await watches.request({
      origin,
      path: prefix + path,
      method: 'GET',
      headers: await headers(),
      signal,
    });
    if (response.statusCode === 401) headers.expire();
    return { status: response.statusCode, retryAfterSeconds: retryAfter(response), chunks: response.body };
  }

  const close = async (): Promise<void> => void (await Promise.all([calls.destroy(), watches.destroy()]));
  return { call, stream, close };
}

/** Connections for calls, and others for watches, which hold theirs for minutes. */
function createAgents(endpoint: KubeEndpoint) {
  const common = { connect: { ...endpoint.tls, keepAliveInitialDelay: 30_000, timeout: CALL_TIMEOUT_MS } };
  const pool = { keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS, pipelining: 1 };
  const calls = createAgent({
    ...common,
    ...pool,
    connections: CALL_CONNECTIONS,
    headersTimeout: CALL_TIMEOUT_MS,
    maxResponseSize: MAX_RESPONSE_BYTES,
  });
  const watches = createAgent({
    ...common,
    ...pool,
    connections: WATCH_CONNECTIONS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: 0,
  });
  return { calls, watches };
}

function isSame(one: Record<string, string>, other: Record<string, string>): boolean {
  return Object.keys({ ...one, ...other }).every((name) => one[name] === other[name]);
}

function retryAfter({ headers }: Dispatcher.ResponseData): number {
  const seconds = Number(headers['retry-after']);
  return seconds > 0 ? seconds : 0;
}

async function jsonOf({ body }: Dispatcher.ResponseData): Promise<unknown> {
  const text = await body.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
