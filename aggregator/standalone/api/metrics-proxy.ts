// metrics.k8s.io is passed on to the aggregator as kube-aggregator does: a front-proxy client certificate says who passes it on,
// X-Remote-User, X-Remote-Uid, X-Remote-Group and X-Remote-Extra-* say who asked. Source: kube-aggregator handler_proxy.go.
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { User } from '../../kube/user.ts';

export interface MetricsBackend {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly ca: string;
  /** The front proxy's client certificate. */
  readonly cert: string;
  readonly key: string;
}

export interface MetricsProxy {
  pass(request: IncomingMessage, response: ServerResponse, user: User): void;
  close(): void;
}

const TIMEOUT_MS = 30_000;
/** Hop-by-hop and credentials: neither goes further. */
const NOT_PASSED =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|authorization|host|x-remote-.*)$/;

/** @param backend asked at each request: undefined while the aggregator is not up */
export function createMetricsProxy(backend: () => MetricsBackend | undefined): MetricsProxy {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    pass(request, response, user) {
      const target = backend();
      if (!target) return unavailable(response);
      const { host, port, serverName, ca, cert, key } = target;
      const upstream = httpsRequest({
        agent,
        host,
        port,
        ca,
        cert,
        key,
        servername: serverName,
        method: request.method,
        path: request.url,
        headers: passedHeaders(request, user),
        timeout: TIMEOUT_MS,
      });
      upstream.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      upstream.on('timeout', () => upstream.destroy(new Error('timeout')));
      upstream.on('error', () => (response.headersSent ? response.destroy() : unavailable(response)));
      response.on('close', () => upstream.destroy());
      request.pipe(upstream);
    },
    close: () => agent.destroy(),
  };
}

function passedHeaders(request: IncomingMessage, user: User): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !NOT_PASSED.test(name)) headers[name] = value;
  }
  for (const [key, values] of Object.entries(user.extra)) {
    headers[`X-Remote-Extra-${encodeURIComponent(key)}`] = values.map(asBytes);
  }
  return {
    ...headers,
    'X-Remote-User': asBytes(user.name),
    ...(user.uid === '' ? {} : { 'X-Remote-Uid': asBytes(user.uid) }),
    'X-Remote-Group': user.groups.map(asBytes),
  };
}

/** Go puts a header's text on the wire as UTF-8; node:http writes a byte a character. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** kube-aggregator's answer for an APIService that is not available: plain text, which kubectl turns into its own words. */
function unavailable(response: ServerResponse): void {
  response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end('service unavailable\n');
}
