import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Batch } from '../../agent/protocol/batch.ts';
import { BATCH_BINARY_V1, BATCH_JSON_V1, BATCH_PATH } from '../../agent/protocol/batch.ts';
import { MAX_BATCH_BYTES } from '../../agent/protocol/bounds.ts';
import { encodeBatch } from '../../agent/protocol/codec.ts';
import type { Shortage } from '../../agent/protocol/shortage.ts';
import { decodePushError, decodeReply } from '../../agent/protocol/push-reply.ts';
import { silentLogger } from '../../agent/runtime/logger.ts';
import { createAggregatorMetrics } from '../metrics.ts';
import type { ShortageEvent } from '../resize/shortage-event.ts';
import { createClusterPki } from '../standalone/pki.ts';
import type { ClusterPki } from '../standalone/pki.ts';
import type { Observation } from '../store/observation.ts';
import {
  batch,
  container,
  containerIdentity,
  id,
  listed,
  MIB,
  NODE_IDENTITY,
  pod,
  testStore,
  usageRow,
  WALL_MS,
} from '../store/store.test-support.ts';
import type { AgentIdentities } from './agent-identity.ts';
import { bearerToken } from './bearer.ts';
import { createPushServer } from './push-server.ts';
import type { PushServer } from './push-server.ts';

const MAIN = id('a1');
const TOKEN = 'token-of-n1';
const identities = [NODE_IDENTITY, containerIdentity(1, MAIN)];
const web = pod('web', [container('main', MAIN)]);

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let pki: ClusterPki;
let server: PushServer;
let port: number;
let agent: Agent;
let made: ReturnType<typeof testStore>;
let nowMs: number;
let shortages: ShortageEvent[];
let early: [string, Shortage][];
let acts: boolean;
let fencing: number | undefined;
let observed: [string, Observation][];
let refusals: [string, string, string][];
let foreign: [string, readonly string[]][];
let metrics: ReturnType<typeof createAggregatorMetrics>;

beforeAll(async () => {
  pki = await createClusterPki(Date.now());
});

beforeEach(async () => {
  made = testStore();
  nowMs = 0;
  shortages = [];
  early = [];
  acts = true;
  fencing = undefined;
  observed = [];
  refusals = [];
  foreign = [];
  metrics = createAggregatorMetrics({ counts: () => made.store.counts(), clockSkews: () => made.store.clockSkews() });
  server = createPushServer({
    tls: pki.serving,
    agents,
    room: { most: 8, mostStrangers: 4 },
    onRefused: (...given) => refusals.push(given),
    onForeignPods: (...given) => foreign.push(given),
    store: made.store,
    log: silentLogger,
    clock: () => nowMs,
    wallMs: () => WALL_MS,
    bootId: 'this-machine',
    metrics,
    onShortage: (event) => {
      shortages.push(event);
      if (event.shortage.need === 13) throw new Error('a listener with a bug');
      return acts;
    },
    onEarlyShortage: ({ node }, shortage) => early.push([node, shortage]),
    onObserved: (containerId, observation) => observed.push([containerId, observation]),
    fencing: () => fencing,
  });
  port = await server.listen('127.0.0.1', 0);
  agent = new Agent({ ca: pki.ca, keepAlive: true, maxSockets: 1 });
});
afterEach(async () => {
  agent.destroy();
  await server.close();
});

/** Tokens read `token-of-NODE`; others are nobody's, or can't be told. */
const agents: AgentIdentities = {
  identify(authorization = '') {
    const refused = { kind: 'refused', message: 'why', claimedNode: '' } as const;
    const token = bearerToken(authorization) ?? '';
    if (token === 'later') return Promise.resolve({ ...refused, code: 'unavailable', claimedNode: 'n1' });
    if (token === 'person') return { ...refused, code: 'forbidden' };
    const node = /^token-of-(\w+)$/.exec(token)?.[1];
    return node === undefined ? { ...refused, code: 'unauthenticated' } : Promise.resolve({ kind: 'agent', node });
  },
};

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

function send({ method = 'POST', path = BATCH_PATH, headers = {}, body = new Uint8Array() }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject).end(body);
  });
}

const AUTHORIZED = { authorization: `Bearer ${TOKEN}`, 'content-type': BATCH_BINARY_V1 };

function push(
  given: Batch,
  mediaType: typeof BATCH_BINARY_V1 | typeof BATCH_JSON_V1 = BATCH_BINARY_V1,
): Promise<Answer> {
  return send({ headers: { ...AUTHORIZED, 'content-type': mediaType }, body: encodeBatch(given, mediaType) });
}

function codeOf({ body }: Answer): string {
  const decoded = decodePushError(body);
  return decoded.kind === 'error' ? decoded.error.code : `not an error: ${body.toString()}`;
}

async function outcomes(): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith('headroom_push_total{'));
}

describe('createPushServer', () => {
  it('takes batches in both forms over one connection and answers with names, and asks for what is urgent first while it acts', async () => {
    made.store.upsertPod(web);
    const first = await push(batch({ identities, rows: [usageRow(1)] }));
    expect(first.status).toBe(200);
    expect(decodeReply(first.body)).toEqual({
      kind: 'reply',
      reply: { accepted: 1, names: [{ ref: 1, namespace: 'default', pod: 'web', container: 'main' }], directives: [] },
    });
    fencing = 4;
    const second = await push(
      batch({ sequence: 2, bootTimeMs: 101_000, rows: [usageRow(1, { cpuWindowUs: 0 })] }),
      BATCH_JSON_V1,
    );
    expect(decodeReply(second.body)).toMatchObject({ reply: { accepted: 2, names: [], directives: [{ kind: 'urgent-first', fencing: 4 }] } }); // prettier-ignore
    expect(listed(made.store)).toEqual([`default/web 0n ${100 * MIB}`]);
    expect(await outcomes()).toEqual(['headroom_push_total{outcome="accepted"} 2']);
  });

  it('ends the connection after a batch that introduced much, and keeps it after others', async () => {
    const many = Array.from({ length: 40 }, (_, at) => containerIdentity(at + 1, at.toString(16).padStart(64, 'b')));
    const introduced = await push(batch({ identities: [NODE_IDENTITY, ...many], rows: [usageRow(0)] }));
    const next = await push(batch({ sequence: 2, rows: [usageRow(0)] }));
    expect([introduced, next].map(({ status, headers }) => [status, headers.connection])).toEqual([
      [200, 'close'],
      [200, 'keep-alive'],
    ]);
  });

  it.each([
    ['no token', {}, 401, 'unauthenticated'],
    ['a wrong token', { authorization: 'Bearer wrong' }, 401, 'unauthenticated'],
    ['another scheme', { authorization: `Basic ${TOKEN}` }, 401, 'unauthenticated'],
    ['someone who is no agent', { authorization: 'Bearer person' }, 403, 'forbidden'],
    ['someone whom nobody can vouch for now', { authorization: 'Bearer later' }, 503, 'unavailable'],
    ['the agent of another node', { authorization: 'Bearer token-of-n2' }, 403, 'foreign_node'],
  ])('refuses %s and stores nothing', async (_, headers: Readonly<Record<string, string>>, status, code) => {
    made.store.upsertPod(web);
    const body = encodeBatch(batch({ identities, rows: [usageRow(1)] }), BATCH_BINARY_V1);
    const answer = await send({ headers: { 'content-type': BATCH_BINARY_V1, ...headers }, body });
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(answer.headers['retry-after']).toBe(code === 'unavailable' ? '1' : undefined);
    expect(listed(made.store)).toEqual([]);
    expect(await outcomes()).toEqual([`headroom_push_total{outcome="${code}"} 1`]);
    expect(refusals).toMatchObject([[{ foreign_node: 'n2', unavailable: 'n1' }[code] ?? '', code, expect.any(String)]]);
  });

  it('says whom the token is of and for whom it can’t speak', async () => {
    const body = encodeBatch(batch(), BATCH_BINARY_V1);
    const answer = await send({ headers: { ...AUTHORIZED, authorization: 'Bearer token-of-n2' }, body });
    const message = 'the token is of node "n2": it can\'t speak for "n1"';
    expect(decodePushError(answer.body)).toMatchObject({ error: { message } });
  });

  it('takes a batch without the rows of pods that are bound to another node, and tells of them', async () => {
    made.store.upsertPod({ ...web, nodeName: 'n2' });
    const answer = await push(batch({ identities, rows: [usageRow(0), usageRow(1)] }));
    expect(answer.status).toBe(200);
    expect(foreign).toEqual([['n1', ['uid-web']]]);
    expect(listed(made.store)).toEqual([]);
  });

  it('serves new connections with the pair that it was given anew', async () => {
    const next = await createClusterPki(Date.now());
    server.renew(next.serving);
    agent.destroy();
    await expect(push(batch())).rejects.toThrow('certificate');
    agent = new Agent({ ca: next.ca });
    expect((await push(batch())).status).toBe(200);
  });

  it('names the versions that it takes when it is sent another', async () => {
    const answer = await send({ headers: { ...AUTHORIZED, 'content-type': 'application/vnd.headroom.batch.v9' } });
    expect(answer.status).toBe(415);
    expect(decodePushError(answer.body)).toMatchObject({
      error: { code: 'unsupported_version', accepts: [BATCH_BINARY_V1, BATCH_JSON_V1] },
    });
  });

  it('takes no compressed body, and says so', async () => {
    const headers = { ...AUTHORIZED, 'content-encoding': 'gzip' };
    const answer = await send({ headers, body: encodeBatch(batch(), BATCH_BINARY_V1) });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'malformed']);
    expect(decodePushError(answer.body)).toMatchObject({ error: { message: 'no content-encoding is taken here' } });
  });

  it('answers what is malformed, unknown or stale with its status, and goes on', async () => {
    const malformed = await send({ headers: AUTHORIZED, body: Buffer.from('nonsense') });
    expect([malformed.status, codeOf(malformed)]).toEqual([400, 'malformed']);
    const unknown = await push(batch({ rows: [usageRow(1)] }));
    expect([unknown.status, codeOf(unknown)]).toEqual([409, 'unknown_epoch']);
    await push(batch({ identities, epoch: 2, rows: [usageRow(1)] }));
    const stale = await push(batch({ identities, epoch: 1, rows: [usageRow(1)] }));
    expect([stale.status, codeOf(stale)]).toEqual([410, 'stale']);
    expect((await outcomes()).sort()).toEqual([
      'headroom_push_total{outcome="accepted"} 1',
      'headroom_push_total{outcome="malformed"} 1',
      'headroom_push_total{outcome="stale"} 1',
      'headroom_push_total{outcome="unknown_epoch"} 1',
    ]);
  });

  it('refuses a body above the bound, told or not, before it has read it', async () => {
    const large = Buffer.alloc(MAX_BATCH_BYTES + 1);
    const told = await send({ headers: { ...AUTHORIZED, 'content-length': String(large.length) }, body: large });
    expect([told.status, codeOf(told)]).toEqual([413, 'too_large']);
    const start = await rawRequest(
      `POST ${BATCH_PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: ${BATCH_BINARY_V1}\r\ncontent-length: 99999999999\r\n\r\n`,
    );
    expect(start).toContain('HTTP/1.1 413');
    expect(start).toMatch(/connection: close/i);
  });

  it('takes nothing of a push whose sender goes away', async () => {
    made.store.upsertPod(web);
    const body = encodeBatch(batch({ identities, rows: [usageRow(1)] }), BATCH_BINARY_V1);
    const socket = connect({ host: '127.0.0.1', port, ca: pki.ca });
    await new Promise<void>((resolve) => socket.once('secureConnect', resolve));
    const head = `POST ${BATCH_PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: ${BATCH_BINARY_V1}\r\ncontent-length: ${body.length}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), body.subarray(0, -1)]));
    socket.end();
    socket.resume();
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    expect((await push(batch())).status).toBe(200);
    expect(listed(made.store)).toEqual([]);
  });

  it('keeps the connection of an agent whose push it took when strangers open many', async () => {
    const opened = async () => {
      const socket = connect({ host: '127.0.0.1', port, ca: pki.ca });
      await once(socket, 'secureConnect');
      return socket.on('error', () => undefined);
    };
    const pushes = async (socket: TLSSocket, sequence: number): Promise<string> => {
      const body = encodeBatch(batch({ identities, sequence, rows: [usageRow(1)] }), BATCH_BINARY_V1);
      const head = `POST ${BATCH_PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: ${BATCH_BINARY_V1}\r\ncontent-length: ${body.length}\r\n\r\n`;
      const answer = once(socket, 'data') as Promise<[Buffer]>;
      socket.write(Buffer.concat([Buffer.from(head), body]));
      return (await answer)[0].toString('latin1', 0, 12);
    };
    const kept = await opened();
    expect(await pushes(kept, 1)).toBe('HTTP/1.1 200');
    const strangers: TLSSocket[] = [];
    for (let count = 0; count < 10; count++) strangers.push((await opened()).resume());
    await expect.poll(() => strangers.filter(({ destroyed }) => !destroyed).length).toBe(4);
    expect(await pushes(kept, 2)).toBe('HTTP/1.1 200');
    for (const socket of [kept, ...strangers]) socket.destroy();
  });

  it('takes no more of a node that floods, and goes on with the others', async () => {
    const large = encodeBatch(batch(), BATCH_JSON_V1);
    const padded = Buffer.concat([large, Buffer.alloc(MAX_BATCH_BYTES - large.length, ' ')]);
    const headers = { ...AUTHORIZED, 'content-type': BATCH_JSON_V1 };
    const statuses: number[] = [];
    for (let count = 0; count < 6; count++) statuses.push((await send({ headers, body: padded })).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
    const refused = await push(batch({ sequence: 2 }));
    expect([refused.status, codeOf(refused), refused.headers['retry-after']]).toEqual([429, 'overloaded', '1']);
    expect((await outcomes()).at(-1)).toBe('headroom_push_total{outcome="overloaded"} 3');
  });

  it('knows one path and one method', async () => {
    expect((await send({ path: '/', headers: AUTHORIZED })).status).toBe(404);
    const wrongMethod = await send({ method: 'GET', headers: AUTHORIZED });
    expect([wrongMethod.status, wrongMethod.headers.allow]).toEqual([405, 'POST']);
  });

  it('hands on shortages with what is known of their containers, and survives a listener with a bug', async () => {
    made.store.upsertPod(web);
    const shortage = { ref: 1, resource: 'memory', kind: 'limit-approach', raisedBootMs: 99_900, secondsToHarm: 4, need: 100 * MIB, limit: 128 * MIB, rate: MIB } as const; // prettier-ignore
    const given = batch({ identities, rows: [usageRow(1, { memoryLimitBytes: 128 * MIB })] });
    const answer = await push({ ...given, shortages: [shortage, { ...shortage, need: 13 }] });
    expect(answer.status).toBe(200);
    expect(shortages).toHaveLength(2);
    expect(shortages[0]).toMatchObject({
      shortage,
      pod: { uid: 'uid-web' },
      container: { name: 'main' },
      observation: { memoryLimitBytes: 128 * MIB },
      node: 'n1',
      receivedWallMs: WALL_MS,
      raisedAgoMs: 100,
    });
  });

  it('counts the way in where agent and aggregator are on one machine, and the agent’s own time where not', async () => {
    made.store.upsertPod(web);
    const shortage = { ref: 1, resource: 'memory', kind: 'limit-approach', raisedBootMs: 99_900, secondsToHarm: 4, need: MIB, limit: 128 * MIB, rate: MIB } as const; // prettier-ignore
    const given = batch({ identities, rows: [usageRow(1, {})] });
    nowMs = 100_037;
    await push({ ...given, shortages: [shortage] });
    // The last two: copies of one machine share its boot id and not its clock.
    for (nowMs of [100_037, 99_990, 3_700_000]) await push({ ...given, bootId: 'this-machine', shortages: [shortage] });
    expect(shortages.map(({ raisedAgoMs }) => raisedAgoMs)).toEqual([100, 137, 100, 100]);
  });

  it('tells of limits that changed on the node, and keeps shortages apart whose pod is not known or on which this replica does not act', async () => {
    const shortage = { ref: 1, resource: 'cpu', kind: 'throttled', raisedBootMs: 0, secondsToHarm: 0, need: 1, limit: 1, rate: 1 } as const; // prettier-ignore
    await push(batch({ identities, rows: [usageRow(1)], shortages: [shortage] }));
    expect(shortages).toEqual([]);
    expect(early).toMatchObject([['n1', shortage]]);
    acts = false;
    expect(await metrics.registry.metrics()).toContain('kind="throttled",outcome="unknown_container"} 1');
    made.store.upsertPod(web);
    await push(batch({ sequence: 2, bootTimeMs: 101_000, rows: [usageRow(1, { cpuLimitMillis: 500 })], shortages: [shortage] })); // prettier-ignore
    expect([shortages.length, early.length]).toEqual([1, 2]);
    expect(observed).toHaveLength(1);
    expect(observed[0]).toMatchObject([MAIN, { cpuLimitMillis: 500 }]);
  });

  it('says which port is taken', async () => {
    const other = createPushServer({
      tls: pki.serving,
      agents,
      store: made.store,
      log: silentLogger,
      clock: () => 0,
      wallMs: () => WALL_MS,
      metrics,
      onShortage: () => true,
      onEarlyShortage: () => undefined,
      onObserved: () => undefined,
      fencing: () => undefined,
    });
    await expect(other.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'port_in_use' });
  });
});

/** What the server answers to this text. */
function rawRequest(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca: pki.ca });
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('close', () => resolve(answer)).on('error', reject);
    socket.write(text);
  });
}
