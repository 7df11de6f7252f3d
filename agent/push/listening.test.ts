import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isListening } from './listening.ts';

const server = createServer((socket) => socket.destroy());
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

it('is so where one of the addresses accepts', async () => {
  const resolve = async (host: string): Promise<readonly string[]> => {
    expect(host).toBe('aggregators');
    return ['127.0.0.2', '127.0.0.1'];
  };
  expect(await isListening(`https://aggregators:${port}`, resolve)).toBe(true);
});

it('is not so where none does, and where the name has no address', async () => {
  expect(await isListening(`https://aggregators:${port}`, async () => ['127.0.0.2'])).toBe(false);
  expect(await isListening(`https://aggregators:${port}`, async () => [])).toBe(false);
});
