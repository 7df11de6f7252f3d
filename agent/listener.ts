// Health and /metrics: plain HTTP on a listener of its own, for probes and Prometheus. Read only, no names of secrets, no profiles.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError } from './runtime/coded-error.ts';
import type { Address } from './runtime/flag-table.ts';

export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Routes = Readonly<Record<string, () => Page | Promise<Page>>>;

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Probes and one Prometheus: a few connections. */
const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 10_000;

/** @throws CodedError port_in_use */
export async function listen(address: Address, routes: Routes): Promise<Listener> {
  const server = http.createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (req, res) => void answer(routes, req, res));
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (err: NodeJS.ErrnoException) => {
      const where = `${address.host}:${address.port}`;
      const taken = err.code === 'EADDRINUSE';
      reject(
        taken ? new CodedError('port_in_use', `--listen=${where}: the port is taken, give another one`, err) : err,
      );
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

async function answer(routes: Routes, req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
  const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  const { status, type, body } = await pageOf(route, req.method ?? 'GET');
  const allowed = status === 405 ? { allow: 'GET, HEAD' } : {};
  res.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...allowed });
  res.end(req.method === 'HEAD' ? undefined : body);
}

async function pageOf(route: Routes[string] | undefined, method: string): Promise<Page> {
  if (!route) return text(404, 'not found\n');
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET\n');
  try {
    return await route();
  } catch (err) {
    return text(500, `${(err as Error).message}\n`);
  }
}

export function text(status: number, body: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body };
}

export function json(value: unknown): Page {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}
