import { describe, expect, it } from 'vitest';
import { json, listen, text } from './listener.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

describe('listen', () => {
  it('serves its routes, refuses other methods and knows nothing else', async () => {
    const listener = await listen(LOOPBACK, {
      '/healthz': () => text(200, 'ok\n'),
      '/containers': () => json({ rows: [] }),
      '/broken': () => {
        throw new Error('no such thing');
      },
    });
    const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
      const res = await fetch(`http://127.0.0.1:${listener.port}${path}`, { method });
      return [res.status, await res.text()];
    };
    expect(await get('/healthz?verbose=1')).toEqual([200, 'ok\n']);
    expect(await get('/healthz', 'HEAD')).toEqual([200, '']);
    expect(await get('/containers')).toEqual([200, '{"rows":[]}\n']);
    expect(await get('/healthz', 'POST')).toEqual([405, 'only GET\n']);
    const refused = await fetch(`http://127.0.0.1:${listener.port}/healthz`, { method: 'PUT' });
    expect(refused.headers.get('allow')).toBe('GET, HEAD');
    expect(await get('/broken')).toEqual([500, 'no such thing\n']);
    expect((await get('/toString'))[0]).toBe(404);
    await listener.close();
  });

  it('says which address is taken', async () => {
    const first = await listen(LOOPBACK, {});
    await expect(listen({ host: '127.0.0.1', port: first.port }, {})).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining(`127.0.0.1:${first.port}`) as unknown,
    });
    await first.close();
  });
});
