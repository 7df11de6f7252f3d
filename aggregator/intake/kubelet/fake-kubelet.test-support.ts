// A kubelet on loopback as the tests want it: real TLS, answers by script, everything that it was asked is kept.
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { KeyPair } from '../../standalone/pki.ts';

export interface FakeKubelet {
  readonly port: number;
  /** Answers each request; the tests set it. */
  answer: (response: ServerResponse) => void;
  readonly seen: readonly {
    readonly url: string;
    readonly headers: IncomingHttpHeaders;
    readonly connection: number;
  }[];
  /** Connections that are open. */
  readonly open: ReadonlySet<Socket>;
  close(): Promise<void>;
}

const FIXTURES = new URL('../../../test/fixtures/kubelet/', import.meta.url);

export function fixture(name: string): string {
  return readFileSync(new URL(`${name}.prom`, FIXTURES), 'utf8');
}

/** @param nodeWallMs what the Date header says */
export function text(body: string, nodeWallMs?: number): (response: ServerResponse) => void {
  return (response) => {
    const date = nodeWallMs === undefined ? {} : { date: new Date(nodeWallMs).toUTCString() };
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', ...date }).end(body);
  };
}

export function status(code: number): (response: ServerResponse) => void {
  return (response) => response.writeHead(code).end('no');
}

export async function startFakeKubelet(pair: KeyPair, host = '127.0.0.1'): Promise<FakeKubelet> {
  const seen: { url: string; headers: IncomingHttpHeaders; connection: number }[] = [];
  const open = new Set<Socket>();
  const numbers = new WeakMap<Socket, number>();
  let connections = 0;
  const server = createServer({ cert: pair.cert, key: pair.key }, (request, response) => {
    const connection = numbers.get(request.socket) ?? ++connections;
    numbers.set(request.socket, connection);
    seen.push({ url: request.url ?? '', headers: request.headers, connection });
    kubelet.answer(response);
  });
  server.on('secureConnection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const kubelet: FakeKubelet = {
    port: (server.address() as AddressInfo).port,
    answer: status(500),
    seen,
    open,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return kubelet;
}
