// Requests written by hand onto a connection of the front proxy: what a proxy in front and the server could read differently must
// never become a request, or a user, that the proxy did not mean.
import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMetricsApi, V1 } from '../../test/fakes/metrics-api.ts';
import type { MetricsApi } from '../../test/fakes/metrics-api.ts';
import type { AccessVerdict } from '../kube/access-review.ts';
import type { User } from '../kube/user.ts';

let api: MetricsApi;
const asked: string[] = [];

beforeAll(async () => {
  const reviewAccess = ({ name }: User): Promise<AccessVerdict> => {
    asked.push(name);
    return Promise.resolve({ kind: 'denied', reason: '' });
  };
  api = await startMetricsApi({ reviewAccess });
});
afterAll(() => api.close());

/** Status of each answer until the connection is closed, or nothing more came for a while. */
async function statuses(text: string): Promise<readonly string[]> {
  const { port, pki } = api;
  const socket = connect({ port, host: '127.0.0.1', ca: pki.ca, ...pki.frontProxyClient });
  await once(socket, 'secureConnect');
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
    // A last request of its own, so that the end is known.
    if (answer.includes('\r\nAudit-Id: last')) socket.destroy();
  });
  // The server hangs up on what it has not read, which the kernel may tell as a reset.
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  socket.write('GET /livez HTTP/1.1\r\nhost: x\r\naudit-id: last\r\n\r\n');
  await new Promise((resolve) => socket.once('close', resolve));
  expect(answer).not.toContain('usage');
  return [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code]) => code!);
}

/** Whom a right was asked for, but her for whom the proxy spoke; system:masters is never asked for, and would get its 200. */
const others = (): readonly string[] => asked.filter((name) => name !== 'jane');

const MASTER = 'x-remote-user: root\r\nx-remote-group: system:masters\r\n';
const INNER = `GET ${V1}/pods HTTP/1.1\r\nhost: x\r\n${MASTER}\r\n`;
const outer = (headers: string, body = ''): string =>
  `GET ${V1}/pods HTTP/1.1\r\nhost: x\r\nx-remote-user: jane\r\n${headers}\r\n${body}`;

describe('a request on the front proxy’s connection', () => {
  it.each([
    ['says two lengths of its body', outer('content-length: 0\r\ncontent-length: 5\r\n', INNER)],
    ['says a length and chunks', outer(`content-length: ${INNER.length}\r\ntransfer-encoding: chunked\r\n`, INNER)],
    ['says chunks in a way of its own', outer('transfer-encoding: xchunked\r\n', INNER)],
    ['has a space before a colon', outer('x-remote-group : system:masters\r\n')],
    ['has a line end within a name', outer('x-remote\n-group: system:masters\r\n')],
    ['has a bare CR in a value', outer('x-remote-group: a\rx-remote-group: system:masters\r\n')],
    ['has a NUL in a value', outer('x-remote-group: system:masters\0\r\n')],
    ['names no host', `GET ${V1}/pods HTTP/1.1\r\n${MASTER}\r\n`],
  ])('that %s is 400, and nothing after it is read', async (_what, text) => {
    expect(await statuses(text)).toEqual(['400']);
    expect(others()).toEqual([]);
  });

  it.each([
    ['a body that looks like a request', outer(`content-length: ${INNER.length}\r\n`, INNER)],
    [
      'chunks that look like a request',
      outer('transfer-encoding: chunked\r\n', `${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`),
    ],
    [
      'trailers that name a group',
      outer('transfer-encoding: chunked\r\ntrailer: x-remote-group\r\n', '0\r\nx-remote-group: system:masters\r\n\r\n'),
    ],
    [
      'a header whose name only looks like one',
      outer('x_remote_group: system:masters\r\nx-remote-groups: system:masters\r\n'),
    ],
    ['a path of another form', outer('').replace(V1, `https://x${V1}`)],
    ['a path with dots', outer('').replace(V1, `/livez/..${V1}`)],
    ['a path with two slashes', outer('').replace(V1, `/${V1}`)],
  ])('with %s is one request of one user', async (_what, text) => {
    expect(await statuses(text)).toEqual(['403', '200']);
    expect(others()).toEqual([]);
  });
});
