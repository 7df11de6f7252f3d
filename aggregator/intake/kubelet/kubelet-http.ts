// GET /metrics/resource of one kubelet on a kept TLS connection: one a node, at most one request on it, every wait and body bounded.
import type { Dispatcher } from 'undici';
import { createAgent } from '../../kube/agent.ts';
import type { Agent } from '../../kube/agent.ts';
import type { KubeTls } from '../../kube/endpoint.ts';
import type { KubeletAccess } from './kubelet-access.ts';
import { failed, failureOf, failureOfStatus } from './scrape-failure.ts';
import type { ScrapeFailure } from './scrape-failure.ts';

export interface KubeletText {
  readonly kind: 'read';
  readonly text: string;
  /** The node's wall clock as its Date header tells it, Unix ms in whole seconds; NaN: it has none. */
  readonly nodeWallMs: number;
}

export interface KubeletHttp {
  /** Rejects only when `signal` aborts. */
  get(url: URL, signal: AbortSignal): Promise<KubeletText | ScrapeFailure>;
  close(): Promise<void>;
}

/** A container takes some 600 bytes: room for 7,000 of them. */
export const MAX_TEXT_BYTES = 4 * 1024 * 1024;
/** Go's servers (the kubelet's too) end a connection that was idle for 90 s. */
const MOST_IDLE_MS = 85_000;

export function createKubeletHttp(access: KubeletAccess, timeoutMs: number, userAgent: string): KubeletHttp {
  let tls: KubeTls = access.tls();
  let agent = agentOf(tls, timeoutMs);

  function current(): Agent {
    const now = access.tls();
    if (now !== tls) {
      // What is under way ends on the connections it began on.
      void agent.close().catch(() => undefined);
      tls = now;
      agent = agentOf(tls, timeoutMs);
    }
    return agent;
  }

  async function get(url: URL, signal: AbortSignal): Promise<KubeletText | ScrapeFailure> {
    let own: Readonly<Record<string, string>>;
    try {
      own = await access.headers();
    } catch (err) {
      return failed('no_credentials', (err as Error).message);
    }
    const deadline = new AbortController();
    const abort = (): void => deadline.abort();
    const timer = setTimeout(abort, timeoutMs);
    signal.addEventListener('abort', abort);
    try {
      const response = await current().request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        headers: { accept: 'text/plain', 'user-agent': userAgent, ...own },
        signal: deadline.signal,
      });
      return await answerOf(response);
    } catch (err) {
      if (signal.aborted) throw err;
      return deadline.signal.aborted ? failed('timeout', `no answer within ${timeoutMs} ms`) : failureOf(err);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  return { get, close: () => agent.destroy() };
}

async function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<KubeletText | ScrapeFailure> {
  if (statusCode !== 200) {
    await body.dump({ limit: 64 * 1024 });
    return failureOfStatus(statusCode);
  }
  const date = headers['date'];
  return { kind: 'read', text: await body.text(), nodeWallMs: typeof date === 'string' ? Date.parse(date) : NaN };
}

function agentOf(tls: KubeTls, timeoutMs: number): Agent {
  return createAgent({
    connect: { ...tls, timeout: timeoutMs },
    connections: 1,
    pipelining: 1,
    keepAliveTimeout: MOST_IDLE_MS,
    keepAliveMaxTimeout: MOST_IDLE_MS,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: MAX_TEXT_BYTES,
  });
}
