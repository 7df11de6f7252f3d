// The API server inside the run's network namespace, reached from outside on loopback: a listener outside, a dialler inside, and a
// socket file between them, which namespaces of networks don't part.
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, ListenOptions, NetConnectOpts, Server } from 'node:net';

/** Outside; the socket file goes with the process. @returns the port */
export async function listenOutside(socketFile: string): Promise<number> {
  process.once('exit', () => rmSync(socketFile, { force: true }));
  const server = await relay({ port: 0, host: '127.0.0.1' }, { path: socketFile });
  return (server.address() as AddressInfo).port;
}

/** Inside. */
export async function dialInside(socketFile: string, host: string, port: number): Promise<Server> {
  rmSync(socketFile, { force: true });
  return relay({ path: socketFile }, { host, port });
}

async function relay(from: ListenOptions, to: NetConnectOpts): Promise<Server> {
  const server = createServer((near) => {
    const far = connect(to);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(from, resolve));
  return server;
}
