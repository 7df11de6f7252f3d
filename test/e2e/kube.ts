// The harness's own client of the API server: any call, and a watch that lists again when it breaks. Not the product's, which is tested with it.
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';

export interface KubeCredential {
  /** PEM. */
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  /** Name to expect in the server's certificate; unset: the address. */
  readonly serverName?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface KubeMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Kept {
  readonly metadata: KubeMeta;
}

export interface WatchListener<T> {
  /** Added, changed, or found by a list. */
  onObject(object: T): void;
  onGone(object: T): void;
}

export interface Watch {
  close(): void;
}

export interface Kube {
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** A 2xx answer's JSON. @throws Error with the server's message */
  json<T>(method: string, path: string, options?: CallOptions): Promise<T>;
  /** @param path a collection, with its query */
  watch<T extends Kept>(path: string, listener: WatchListener<T>): Watch;
  close(): void;
}

const TIMEOUT_MS = 30_000;
const CONNECTIONS = 16;
const WATCH_SECONDS = 600;
const RETRY_MS = 200;

export function openKube(server: string, credential: KubeCredential): Kube {
  const { ca, cert, key, token, serverName } = credential;
  const tls = {
    ca,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  const calls = new Agent({ ...tls, keepAlive: true, maxSockets: CONNECTIONS });
  const watches = new Agent({ ...tls, keepAlive: true });
  const base = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const open = (
    agent: Agent,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Uint8Array,
  ) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(new URL(path, server), { agent, method, headers: { ...base, ...headers } }, resolve);
      sent.on('error', reject);
      sent.setTimeout(agent === watches ? 0 : TIMEOUT_MS, () =>
        sent.destroy(new Error(`${method} ${path}: no answer within ${TIMEOUT_MS / 1000} s`)),
      );
      // Node frames the body of a DELETE only where its length is told.
      if (body !== undefined) sent.setHeader('content-length', Buffer.byteLength(body));
      sent.end(body);
    });
  const call: Kube['call'] = async (method, path, { body, headers = {} } = {}) => {
    const text =
      body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const sent = { accept: 'application/json', ...(text === undefined ? {} : { 'content-type': 'application/json' }) };
    const response = await open(calls, method, path, { ...sent, ...headers }, text);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
  };
  const json = async <T>(method: string, path: string, options?: CallOptions): Promise<T> => {
    const { status, body } = await call(method, path, options);
    if (status >= 300) throw new Error(`${method} ${path}: HTTP ${status}: ${messageOf(body)}`);
    return JSON.parse(body.toString()) as T;
  };
  return {
    call,
    json,
    watch: (path, listener) =>
      startWatch(path, listener, json, (watchPath) => open(watches, 'GET', watchPath, { accept: 'application/json' })),
    close: () => {
      calls.destroy();
      watches.destroy();
    },
  };
}

function messageOf(body: Buffer): string {
  try {
    return (JSON.parse(body.toString()) as { message?: string }).message ?? body.toString();
  } catch {
    return body.toString().slice(0, 400);
  }
}

/** A listener that throws is a bug of the harness, not a broken watch. */
function told(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}

function startWatch<T extends Kept>(
  path: string,
  listener: WatchListener<T>,
  json: Kube['json'],
  open: (path: string) => Promise<IncomingMessage>,
): Watch {
  const end = new AbortController();
  let stream: IncomingMessage | undefined;
  const join = path.includes('?') ? '&' : '?';
  const known = new Map<string, T>();
  const keyOf = ({ metadata: { uid, namespace = '', name } }: T): string => uid ?? `${namespace}/${name}`;
  const list = async (): Promise<string> => {
    const { metadata, items } = await json<{ metadata: { resourceVersion: string }; items: T[] }>('GET', path);
    const now = new Set(items.map(keyOf));
    for (const [key, object] of known) {
      if (now.has(key)) continue;
      known.delete(key);
      told(() => listener.onGone(object));
    }
    for (const object of items) {
      known.set(keyOf(object), object);
      told(() => listener.onObject(object));
    }
    return metadata.resourceVersion;
  };
  const follow = async (version: string): Promise<void> => {
    stream = await open(`${path}${join}watch=1&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${version}`);
    for await (const line of linesOf(stream)) {
      const { type, object } = JSON.parse(line) as { type: string; object: T };
      if (type === 'ERROR' || end.signal.aborted) return;
      if (type === 'DELETED') {
        known.delete(keyOf(object));
        told(() => listener.onGone(object));
      } else if (type !== 'BOOKMARK') {
        known.set(keyOf(object), object);
        told(() => listener.onObject(object));
      }
    }
  };
  const run = async (): Promise<void> => {
    while (!end.signal.aborted) {
      try {
        await follow(await list());
      } catch {
        if (!end.signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  };
  void run();
  return {
    close: () => {
      end.abort();
      stream?.destroy();
    },
  };
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line !== '') yield line;
  }
}
