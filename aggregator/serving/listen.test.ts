import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import type { Logger } from '../../agent/runtime/logger.ts';
import { listen } from './listen.ts';

const servers: Server[] = [];
const warned: unknown[] = [];
const log = { warn: (fields: unknown) => void warned.push(fields) } as Pick<Logger, 'warn'>;

function server(): Server {
  const made = createServer((socket) => socket.end('here'));
  servers.push(made);
  return made;
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    const [data] = (await once(socket, 'data')) as [Buffer];
    return data.toString() === 'here';
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

afterEach(() => {
  for (const each of servers.splice(0)) each.close();
});

describe('listen', () => {
  it.each(['0.0.0.0', '::'])('takes %s for all addresses of both families', async (host) => {
    const port = await listen(server(), { host, port: 0, flag: 'secure-port', log });
    const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []).filter(({ internal }) => internal); // prettier-ignore
    expect(addresses.map(({ address }) => address)).toContain('127.0.0.1');
    for (const { address } of addresses)
      expect({ address, answers: await answers(address, port) }).toEqual({ address, answers: true });
  });

  it('takes a specified address for that one alone', async () => {
    const port = await listen(server(), { host: '127.0.0.2', port: 0, flag: 'secure-port', log });
    expect(await answers('127.0.0.2', port)).toBe(true);
    expect(await answers('127.0.0.1', port)).toBe(false);
  });

  it('names the flag where the port is taken', async () => {
    const port = await listen(server(), { host: '127.0.0.1', port: 0, flag: 'push-port', log });
    const again = listen(server(), { host: '127.0.0.1', port, flag: 'push-port', log });
    await expect(again).rejects.toMatchObject({ code: 'port_in_use', message: `can't listen on 127.0.0.1:${port} (EADDRINUSE): stop what listens there or set --push-port` }); // prettier-ignore
  });

  it('says that a connection could not be taken, and goes on', async () => {
    const made = server();
    const port = await listen(made, { host: '127.0.0.1', port: 0, flag: 'push-port', log });
    made.emit('error', new Error('accept ENFILE'));
    expect(warned).toMatchObject([{ flag: 'push-port', err: { message: 'accept ENFILE' } }]);
    expect(await answers('127.0.0.1', port)).toBe(true);
  });
});
