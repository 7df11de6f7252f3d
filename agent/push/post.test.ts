import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openConnection } from './post.ts';
import type { Connection } from './post.ts';

const BODY = new Uint8Array([1, 2, 3]);
const open: { connection: Connection; server: http.Server }[] = [];

async function serve(
  handler: http.RequestListener,
  timeoutMs = 2000,
): Promise<{ connection: Connection; port: number }> {
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connection = openConnection({ baseUrl: `http://127.0.0.1:${port}/base/`, timeoutMs });
  open.push({ connection, server });
  return { connection, port };
}

afterEach(() => {
  for (const { connection, server } of open.splice(0)) {
    connection.close();
    server.closeAllConnections();
    server.close();
  }
});

describe('openConnection', () => {
  it('posts the bytes with their length and headers and gives the answer back', async () => {
    const seen: unknown[] = [];
    const { connection } = await serve((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        seen.push(req.method, req.url, req.headers['content-length'], req.headers['x-test'], ...Buffer.concat(chunks));
        res.writeHead(409).end('no');
      });
    });
    const outcome = await connection.post('/v1/batches', { 'x-test': 'yes' }, BODY);
    expect(outcome).toMatchObject({ kind: 'answered', status: 409 });
    expect(outcome.kind === 'answered' && Buffer.from(outcome.body).toString()).toBe('no');
    expect(seen).toEqual(['POST', '/base/v1/batches', '3', 'yes', 1, 2, 3]);
  });

  it('keeps the connection for the next post, and opens a second one only beside one in flight', async () => {
    const ports = new Set<number | undefined>();
    const waiting: http.ServerResponse[] = [];
    const { connection } = await serve((req, res) => {
      ports.add(req.socket.remotePort);
      if (req.url?.endsWith('/wait')) waiting.push(res);
      else res.end();
    });
    expect(connection.isFree).toBe(false);
    for (let turn = 0; turn < 3; turn++) await connection.post('/now', {}, BODY);
    expect([ports.size, connection.isFree]).toEqual([1, true]);
    const slow = connection.post('/wait', {}, BODY);
    expect(connection.isFree).toBe(false);
    await connection.post('/now', {}, BODY);
    expect(ports.size).toBe(2);
    for (const res of waiting) res.end();
    expect(await slow).toMatchObject({ kind: 'answered', status: 200 });
  });

  it('says that nothing arrived when nobody listens', async () => {
    const connection = openConnection({ baseUrl: 'http://127.0.0.1:1', timeoutMs: 2000 });
    expect(await connection.post('/', {}, BODY)).toMatchObject({ kind: 'failed', arrived: 'no' });
    connection.close();
  });

  it('does not know what arrived when the connection breaks without an answer', async () => {
    const { connection } = await serve((req) => req.socket.destroy());
    expect(await connection.post('/', {}, BODY)).toMatchObject({ kind: 'failed', arrived: 'unknown' });
  });

  it('gives up after the deadline, in the middle of an answer too', async () => {
    const { connection } = await serve((_, res) => void res.write('half'), 50);
    expect(await connection.post('/', {}, BODY)).toMatchObject({ kind: 'failed', arrived: 'unknown' });
  });

  it('refuses an answer without end', async () => {
    const { connection } = await serve((_, res) => {
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(256 * 1024)));
      };
      res.on('drain', more);
      more();
    });
    expect(await connection.post('/', {}, BODY)).toMatchObject({ kind: 'failed', arrived: 'unknown' });
  });

  it('dials the address it was given and names the host of the URL', async () => {
    const hosts: (string | undefined)[] = [];
    const { port } = await serve((req, res) => {
      hosts.push(req.headers.host);
      res.end();
    });
    const named = { baseUrl: `http://push.headroom-system.svc:${port}`, address: '127.0.0.1', timeoutMs: 2000 };
    const connection = openConnection(named);
    expect(await connection.post('/v1/batches', {}, BODY)).toMatchObject({ kind: 'answered', status: 200 });
    expect(hosts).toEqual([`push.headroom-system.svc:${port}`]);
    connection.close();
  });
});
