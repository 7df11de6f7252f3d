import http from 'node:http';
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeCgroup, fakeTime } from '../../test/fakes/fake-node.ts';
import { Roster } from '../store/roster.ts';
import { silentLogger } from '../runtime/logger.ts';
import { pageAssets } from './assets.ts';
import { createProfiles } from './profiles.ts';
import { debugRoutes } from './routes.ts';
import { startDebugServer } from './server.ts';
import type { DebugServer } from './server.ts';
import { SignalLog } from './signal-log.ts';

const TOKEN = 's3cret token';
const started: DebugServer[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

async function setUp(options: { token?: string; host?: string } = {}) {
  const time = fakeTime();
  const roster = new Roster({ clock: time.clock, log: silentLogger, cpus: 2, open: () => fakeCgroup().files });
  const row = roster.add(
    { kind: 'container', podUid: 'p', containerId: 'c', qos: '', startWallMs: NaN, path: 'kubepods/c' },
    false,
  );
  if (!row) throw new Error('the row was not taken');
  Object.assign(row.sample, { atBootMs: 1000, cpuUsageUs: 0 });
  row.record();
  Object.assign(row.sample, { atBootMs: 2000, cpuUsageUs: 250_000 });
  row.record();
  const signals = new SignalLog();
  const log = pino({ level: 'silent' });
  const { host = '127.0.0.1' } = options;
  const server = await startDebugServer({
    address: { host, port: 0 },
    token: () => options.token,
    routes: debugRoutes({
      assets: pageAssets(new URL('./no-such-folder/', import.meta.url)),
      profiles: createProfiles(),
      signals,
      rows: () => roster.rows(),
      row: (ref) => roster.get(ref),
      node: () => ({ node: 'n1', capabilities: [] }),
      clock: time.clock,
      log,
      windowMs: 15_000,
    }),
    log: silentLogger,
  });
  started.push(server);
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port: server.port, path, headers, method }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      request.on('error', reject);
      request.end(body);
    });
  return { ask, signals, log, ref: row.identity.ref, port: server.port };
}

const BEARER = { authorization: `Bearer ${TOKEN}` };

describe('the debugging endpoint', () => {
  it('answers the node, the rows and a series as JSON', async () => {
    const { ask, ref } = await setUp();
    expect(JSON.parse((await ask('/api/node')).text)).toMatchObject({ node: 'n1', logLevel: 'silent' });
    expect(JSON.parse((await ask('/api/rows')).text)).toMatchObject({ rows: [{ ref, cpuMillis: 250 }] });
    const series = JSON.parse((await ask(`/api/series/${ref}`)).text) as { columns: { cpuMillis: unknown } };
    expect(series.columns.cpuMillis).toEqual([null, 250]);
    const later = JSON.parse((await ask(`/api/series/${ref}?since=1000`)).text) as { atBootMs: unknown };
    expect(later.atBootMs).toEqual([2000]);
  });

  it('dumps a ring as CSV and JSON under a name to save', async () => {
    const { ask, ref } = await setUp();
    const csv = await ask(`/api/ring/${ref}.csv`);
    expect(csv.headers['content-disposition']).toBe(`attachment; filename="ring-${ref}.csv"`);
    expect(csv.text.split('\r\n')).toHaveLength(4);
    expect(JSON.parse((await ask(`/api/ring/${ref}.json`)).text)).toMatchObject({ cpuUsageUs: [0, 250_000] });
    expect((await ask(`/api/ring/${ref}.json?since=1000.25`)).status).toBe(200);
    expect(JSON.parse((await ask(`/api/ring/${ref}.json?since=1000`)).text)).toMatchObject({ cpuUsageUs: [250_000] });
    expect((await ask(`/api/ring/${ref}.csv?since=1000`)).text.trim().split('\r\n')).toHaveLength(2);
  });

  it('says what is wrong with a question instead of failing', async () => {
    const { ask, ref } = await setUp();
    const wrong = ['/nothing', '/api/series/999', '/api/series/x', '/api/ring/1.exe', '/api/ring/../../etc/passwd'];
    for (const path of wrong) expect((await ask(path)).status).toBe(404);
    for (const none of ['some', '', '-1', '0x10', '1.5', '1e3']) {
      for (const path of ['', '/stream']) expect((await ask(`/api/signals${path}?after=${none}`)).status).toBe(400);
    }
    for (const none of ['soon', '', '-1', '0x10', '1e3', 'Infinity']) {
      for (const path of [`/api/series/${ref}`, `/api/ring/${ref}.json`]) expect((await ask(`${path}?since=${none}`)).status).toBe(400); // prettier-ignore
    }
    expect(await ask('/api/rows', {}, 'PUT')).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    expect((await ask('/')).status).toBe(503); // the page is built by npm run build
  });

  it('refuses foreign hosts and origins before it looks at anything', async () => {
    const { ask } = await setUp();
    expect((await ask('/api/rows', { host: 'evil.example' })).status).toBe(403);
    expect((await ask('/api/rows', { origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask('/api/rows', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });

  it('lets no page be framed or load anything from outside', async () => {
    const { ask } = await setUp();
    const { headers } = await ask('/api/rows');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('gives profiles only to who has the token, on loopback too', async () => {
    const without = await setUp();
    expect((await without.ask('/api/profiles/heap')).status).toBe(403);
    const { ask } = await setUp({ token: TOKEN });
    expect((await ask('/api/profiles/cpu?seconds=1')).status).toBe(401);
    expect((await ask('/api/profiles/cpu?seconds=900', BEARER)).status).toBe(400);
    const cpu = await ask('/api/profiles/cpu?seconds=1', BEARER);
    expect(JSON.parse(cpu.text)).toMatchObject({ nodes: expect.any(Array) as unknown });
    expect(cpu.headers['content-disposition']).toContain('.cpuprofile');
  });

  it('takes a heap snapshot as one JSON document, and one at a time', async () => {
    const { ask } = await setUp({ token: TOKEN });
    const both = await Promise.all([ask('/api/profiles/heap', BEARER), ask('/api/profiles/heap', BEARER)]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    const taken = both.find(({ status }) => status === 200);
    expect(JSON.parse(taken?.text ?? '')).toHaveProperty('snapshot');
    expect((await ask('/api/profiles/cpu?seconds=1', BEARER)).status).toBe(200); // free again
  }, 30_000);

  it('changes the log level at run time, with the token', async () => {
    const { ask, log } = await setUp({ token: TOKEN });
    expect((await ask('/api/log-level', {}, 'PUT', 'debug')).status).toBe(401);
    expect((await ask('/api/log-level', BEARER, 'PUT', 'loud')).status).toBe(400);
    expect((await ask('/api/log-level', BEARER, 'PUT', 'x'.repeat(5000))).status).toBe(413);
    expect((await ask('/api/log-level', BEARER, 'PUT', 'error\n')).status).toBe(200);
    expect(log.level).toBe('error');
  });

  it('takes the token of the address bar once and keeps it in a cookie that scripts and other sites do not get', async () => {
    const { ask } = await setUp({ token: TOKEN });
    expect(await ask('/?token=wrong')).toMatchObject({ status: 401, text: expect.stringContaining('not the token') as string }); // prettier-ignore
    const { status, headers } = await ask(`/?token=${encodeURIComponent(TOKEN)}`);
    expect([status, headers.location]).toEqual([303, '/']);
    const cookie = headers['set-cookie']?.[0] ?? '';
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict$/);
    expect((await ask('/api/profiles/cpu?seconds=1', { cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
    expect((await ask(`/api/profiles/cpu?seconds=1&token=${encodeURIComponent(TOKEN)}`)).status).toBe(401);
  });

  it('listens beyond loopback only with a token, and then asks for it everywhere', async () => {
    await expect(setUp({ host: '0.0.0.0' })).rejects.toThrow('needs --debug-token-file');
    const { ask } = await setUp({ host: '0.0.0.0', token: TOKEN });
    expect((await ask('/api/rows')).status).toBe(401);
    expect((await ask('/api/rows', BEARER)).status).toBe(200);
  });

  it('streams signals as they come, and what was missed after the last one seen', async () => {
    const { signals, port } = await setUp();
    const note = (text: string): void =>
      signals.note({ atBootMs: 1, atWallMs: 2, ref: 1, kind: 'shortage', resource: 'memory', text });
    note('first');
    note('second');
    const seen: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const headers = { 'last-event-id': '1' };
      const request = http.get({ host: '127.0.0.1', port, path: '/api/signals/stream', headers }, (response) => {
        expect(response.headers['content-type']).toBe('text/event-stream');
        response.on('data', (chunk) => {
          seen.push(...[...String(chunk).matchAll(/"text":"(\w+)"/g)].map((match) => match[1] ?? ''));
          if (seen.length === 1) note('third');
          if (seen.length === 2) {
            request.destroy();
            resolve();
          }
        });
      });
      request.on('error', reject);
    });
    expect(seen).toEqual(['second', 'third']);
  });

  it('lets a reader go that does not keep up: connection, listener and all', async () => {
    const { signals, port } = await setUp();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /api/signals/stream HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause(); // takes nothing from here on
    const text = 'x'.repeat(64 * 1024);
    const note = (): void => signals.note({ atBootMs: 1, atWallMs: 2, ref: 1, kind: 'k', resource: 'cpu', text });
    await expect
      .poll(
        () => {
          note();
          return signals.listening;
        },
        { timeout: 10_000, interval: 5 },
      )
      .toBe(0);
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
  });

  it('is free for the next profile when the one who asked for a heap snapshot goes away', async () => {
    const { ask, port } = await setUp({ token: TOKEN });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET /api/profiles/heap HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await expect
      .poll(async () => (await ask('/api/profiles/cpu?seconds=1', BEARER)).status, { timeout: 20_000 })
      .toBe(200);
  }, 30_000);

  it('answers HEAD of a stream and of a snapshot with their headers, and leaves nothing open', async () => {
    const { ask, signals } = await setUp({ token: TOKEN });
    expect((await ask('/api/signals/stream', {}, 'HEAD')).status).toBe(200);
    expect((await ask('/api/profiles/heap', BEARER, 'HEAD')).status).toBe(200);
    await expect.poll(() => signals.listening).toBe(0);
    expect((await ask('/api/profiles/cpu?seconds=1', BEARER)).status).toBe(200);
  }, 30_000);
});

describe('SignalLog', () => {
  it('keeps the newest 512 and listens to no more than 16', () => {
    const log = new SignalLog();
    for (let at = 0; at < 600; at++)
      log.note({ atBootMs: at, atWallMs: at, ref: 0, kind: 'k', resource: 'cpu', text: String(at) });
    expect(log.entries()).toHaveLength(512);
    expect(log.entries(599).map(({ text }) => text)).toEqual(['599']);
    const ends = Array.from({ length: 17 }, () => log.listen(() => undefined));
    expect([ends.at(15) === undefined, ends.at(16) === undefined]).toEqual([false, true]);
    ends[0]?.();
    expect(log.listen(() => undefined)).toBeDefined();
  });
});
