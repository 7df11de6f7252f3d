import { describe, expect, it } from 'vitest';
import { fakeCgroup, fakeTime } from '../../test/fakes/fake-node.ts';
import { BATCH_JSON_V1 } from '../protocol/batch.ts';
import type { Batch } from '../protocol/batch.ts';
import { decodeBatch } from '../protocol/codec.ts';
import { encodePushError, encodeReply } from '../protocol/push-reply.ts';
import { URGENT_FIRST } from '../protocol/reply.ts';
import type { PushErrorCode } from '../protocol/reply.ts';
import type { Shortage } from '../protocol/shortage.ts';
import { Roster } from '../store/roster.ts';
import { CodedError } from '../runtime/coded-error.ts';
import { silentLogger } from '../runtime/logger.ts';
import type { PostOutcome } from './post.ts';
import { Pusher } from './pusher.ts';
import type { PushFigures } from './pusher.ts';

const SECOND = 1000;
const INTERVAL_MS = 5 * SECOND;

interface Received {
  readonly atMs: number;
  readonly batch: Batch;
  readonly headers: Readonly<Record<string, string>>;
}

type Respond = (received: Received) => PostOutcome | Promise<PostOutcome>;

const taken: Respond = ({ batch }) => ({
  kind: 'answered',
  status: 200,
  body: encodeReply({ accepted: batch.sequence, names: [], directives: [] }),
});

function refuse(status: number, code: PushErrorCode, accepts: readonly string[] = []): PostOutcome {
  return { kind: 'answered', status, body: encodePushError({ code, message: code, accepts }) };
}

/** A node of `containers` and its pusher, against an aggregator that answers as told. */
function setUp(containers: number, phaseMs = SECOND) {
  const time = fakeTime();
  const roster = new Roster({
    clock: time.clock,
    log: silentLogger,
    cpus: 2,
    open: () => fakeCgroup().files,
  });
  const add = (path: string): void => {
    const found = { kind: 'container', podUid: 'p', containerId: 'c', qos: '', startWallMs: NaN } as const;
    roster.add({ ...found, path }, false);
  };
  for (let index = 0; index < containers; index++) add(`c${index}`);
  const received: Received[] = [];
  const figures: PushFigures[] = [];
  const aggregator = { respond: taken, inFlight: 0, mostInFlight: 0, connections: 0, token: 'secret' };
  const pusher = new Pusher({
    tallySlot: roster.openTallySlot() ?? NaN,
    address: '10.0.0.1',
    url: 'https://aggregator:4444',
    connect: () => {
      aggregator.connections++;
      return {
        post: async (_, headers, body) => {
          const decoded = decodeBatch(body, headers['content-type'] ?? '');
          if (decoded.kind !== 'batch') throw new Error(decoded.message);
          const one = { atMs: time.timers.monotonicMs(), batch: decoded.batch, headers };
          received.push(one);
          aggregator.mostInFlight = Math.max(aggregator.mostInFlight, ++aggregator.inFlight);
          const outcome = await aggregator.respond(one);
          aggregator.inFlight--;
          return outcome;
        },
        close: () => {},
      };
    },
    token: {
      read: () => {
        if (aggregator.token === '') throw new CodedError('token_file', 'the token file is empty');
        return aggregator.token;
      },
    },
    node: { node: 'n1', agentVersion: '0', bootId: 'b5a0c8a2-6a3c-4c4e-9a3e-0e0e5a1b2c3d', epoch: 1 },
    roster,
    clock: time.clock,
    timers: time.timers,
    log: silentLogger,
    intervalMs: INTERVAL_MS,
    phaseMs,
    windowMs: 15 * SECOND,
    random: () => 0.5,
    onPushed: (one) => figures.push(one),
  });
  /** Time passes in steps small enough for the promises in between. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      time.advance(Math.min(100, left));
      await settled();
    }
  };
  const burn = (seconds = 1): void => {
    for (let second = 0; second < seconds; second++) {
      for (const row of roster.rows()) row.tallies[0]?.noteCpu(100, SECOND, true);
    }
  };
  return { time, roster, add, received, figures, aggregator, pusher, pass, burn };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function seconds(batch: Batch | undefined): number {
  return [...(batch?.histogram.seconds ?? [])].reduce((sum, part) => sum + part, 0);
}

function shortageOf(ref: number, raisedBootMs: number): Shortage {
  const numbers = { raisedBootMs, secondsToHarm: 5, need: 1, limit: 2, rate: 3 };
  return { ref, resource: 'memory', kind: 'limit-approach', ...numbers };
}

describe('Pusher', () => {
  it('pushes every row each interval, identities once, with the token of the moment', async () => {
    const { received, aggregator, pusher, pass } = setUp(3, 2 * SECOND);
    pusher.start(2 * SECOND);
    await pass(8 * SECOND);
    aggregator.token = 'rotated';
    await pass(5 * SECOND);
    expect(received.map(({ atMs }) => atMs / SECOND)).toEqual([2, 7, 12]);
    expect(received.map(({ batch }) => batch.identities.length)).toEqual([3, 0, 0]);
    expect(received.map(({ batch }) => batch.sequence)).toEqual([1, 2, 3]);
    expect(received.map(({ batch }) => batch.reports.count)).toEqual([3, 3, 3]);
    expect(received.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer secret',
      'Bearer secret',
      'Bearer rotated',
    ]);
    expect(aggregator.connections).toBe(1);
    await pusher.close();
  });

  it('keeps one regular push in flight and sends an urgent one beside it', async () => {
    const { received, aggregator, roster, pusher, pass, time } = setUp(2);
    let release: (() => void) | undefined;
    aggregator.respond = (one) =>
      received.length === 1 ? new Promise((resolve) => (release = () => resolve(taken(one)))) : taken(one);
    pusher.start(SECOND);
    await pass(2 * SECOND);
    void pusher.urgent([...roster.rows()].slice(0, 1), [shortageOf(1, time.clock.bootTimeMs())]);
    await settled();
    expect(received).toHaveLength(2);
    expect(received[1]?.batch).toMatchObject({ sequence: 2, shortages: [{ ref: 1, kind: 'limit-approach' }] });
    expect(received[1]?.batch.reports.count).toBe(1);
    await pass(20 * SECOND);
    expect(received).toHaveLength(2);
    release?.();
    await pass(INTERVAL_MS);
    expect(received).toHaveLength(3);
    expect(received[2]?.batch.shortages).toEqual([]);
    expect(aggregator.mostInFlight).toBe(2);
    await pusher.close();
  });

  it('knows that its replica acts by the last answer, and no longer once one fails', async () => {
    const { aggregator, pusher, pass } = setUp(1);
    const acting = (fencing: number): Respond => ({ batch }) => ({ kind: 'answered', status: 200, body: encodeReply({ accepted: batch.sequence, names: [], directives: [{ kind: 'later', fencing: 9 }, { kind: URGENT_FIRST, fencing }] }) }); // prettier-ignore
    pusher.start(SECOND);
    const seen: (number | undefined)[] = [];
    const failing: Respond = () => ({ kind: 'failed', cause: 'ECONNREFUSED', arrived: 'no' });
    const anew: Respond = () => refuse(409, 'unknown_epoch');
    for (const respond of [taken, acting(0), acting(3), taken, acting(4), failing, acting(5), anew]) {
      aggregator.respond = respond;
      await pass(INTERVAL_MS);
      seen.push(pusher.fencing);
    }
    expect(seen).toEqual([undefined, 0, 3, undefined, 4, undefined, 5, undefined]);
    await pusher.close();
  });

  it('tells when what is urgent was answered, and leaves shortages without rows to the next push', async () => {
    const { received, roster, pusher, pass, time } = setUp(2);
    pusher.start(SECOND);
    await pass(2 * SECOND);
    await pusher.urgent([], [shortageOf(1, time.clock.bootTimeMs())]);
    expect(received).toHaveLength(1);
    await pusher.urgent(roster.rows(), [shortageOf(2, time.clock.bootTimeMs())]);
    expect(received.at(-1)?.batch.shortages.map(({ ref }) => ref)).toEqual([1, 2]);
    await pusher.urgent([], [shortageOf(1, time.clock.bootTimeMs())]);
    await pass(INTERVAL_MS);
    expect(received.map(({ batch }) => batch.shortages.length)).toEqual([0, 2, 1]);
    await pusher.close();
  });

  it('merges urgent findings while an urgent push is in flight, the newest shortage of a container first', async () => {
    const { received, aggregator, roster, pusher, pass, time } = setUp(2);
    let release: (() => void) | undefined;
    aggregator.respond = (one) =>
      received.length === 1 ? new Promise((resolve) => (release = () => resolve(taken(one)))) : taken(one);
    const [first, second] = roster.rows();
    if (!first || !second) throw new Error('two rows');
    void pusher.urgent([first], []);
    const nowMs = time.clock.bootTimeMs();
    void pusher.urgent([second], [shortageOf(2, nowMs - 500)]);
    void pusher.urgent([second], [shortageOf(2, nowMs)]);
    await settled();
    expect(received).toHaveLength(1);
    release?.();
    await pass(100);
    expect(received).toHaveLength(2);
    expect(received[1]?.batch.shortages.map(({ raisedBootMs }) => raisedBootMs)).toEqual([nowMs]);
    await pusher.close();
  });

  it('backs off while nobody answers and then sends the newest state with everything merged in one batch', async () => {
    const { received, aggregator, pusher, pass, burn, figures } = setUp(2);
    aggregator.respond = () => ({ kind: 'failed', cause: 'ECONNREFUSED', arrived: 'no' });
    pusher.start(SECOND);
    for (let second = 0; second < 120; second++) {
      burn();
      await pass(SECOND);
    }
    expect(received.length).toBeLessThan(15);
    expect(pusher.problem).toBe('ECONNREFUSED');
    aggregator.respond = taken;
    const before = received.length;
    await pass(20 * SECOND);
    const after = received.slice(before);
    expect(seconds(after[0]?.batch)).toBe(2 * 120);
    expect(after[0]?.batch.identities).toHaveLength(2);
    expect(after.slice(1).every(({ batch }) => seconds(batch) === 0)).toBe(true);
    expect(after.length).toBeLessThanOrEqual(4);
    expect([pusher.problem, figures.at(-1)?.outcome]).toEqual(['', 'stored']);
    await pusher.close();
  });

  it('counts each second once when an answer was lost, whether or not the batch had arrived', async () => {
    for (const arrived of [true, false]) {
      const { received, aggregator, pusher, pass, burn } = setUp(1);
      let counted = 0;
      let highest = 0;
      let lose = true;
      aggregator.respond = (one) => {
        if (one.batch.sequence <= highest) return refuse(410, 'stale');
        if (!lose || arrived) {
          highest = one.batch.sequence;
          counted += seconds(one.batch);
        }
        if (!lose) return taken(one);
        lose = false;
        return { kind: 'failed', cause: 'ECONNRESET', arrived: 'unknown' };
      };
      burn(3);
      pusher.start(SECOND);
      await pass(SECOND);
      burn(4);
      await pass(10 * SECOND);
      expect(received[1]?.batch.sequence).toBe(received[0]?.batch.sequence);
      expect(counted).toBe(7);
      await pusher.close();
    }
  });

  it('sends again at once when an urgent batch overtook the regular one', async () => {
    const { received, aggregator, pusher, pass, burn } = setUp(1);
    aggregator.respond = (one) => (received.length === 1 ? refuse(410, 'stale') : taken(one));
    burn(2);
    pusher.start(SECOND);
    await pass(1_100);
    expect(received.map(({ batch }) => batch.sequence)).toEqual([1, 2]);
    expect(seconds(received[1]?.batch)).toBe(2);
    await pusher.close();
  });

  it('tells every identity again, from the first row on, when the aggregator lost the epoch', async () => {
    const { received, aggregator, pusher, pass } = setUp(3);
    pusher.start(SECOND);
    await pass(2 * SECOND);
    aggregator.respond = (one) => (one.batch.identities.length === 0 ? refuse(409, 'unknown_epoch') : taken(one));
    await pass(INTERVAL_MS);
    expect(received.map(({ batch }) => batch.identities.length)).toEqual([3, 0, 3]);
    expect((received[2]?.atMs ?? 0) - (received[1]?.atMs ?? 0)).toBeLessThan(200);
    await pusher.close();
  });

  it('makes the epoch known with a full push when an urgent one found it unknown, and carries the shortage', async () => {
    const { received, aggregator, roster, pusher, pass, time } = setUp(3);
    pusher.start(SECOND);
    await pass(2 * SECOND);
    aggregator.respond = (one) => (one.batch.identities.length < 3 ? refuse(409, 'unknown_epoch') : taken(one));
    void pusher.urgent(roster.rows().slice(1, 2), [shortageOf(2, time.clock.bootTimeMs())]);
    await pass(200);
    expect(received.at(-1)?.batch).toMatchObject({ identities: { length: 3 }, shortages: [{ ref: 2 }] });
    await pusher.close();
  });

  it('halves its batches until the aggregator takes them, losing no row', async () => {
    const { received, aggregator, pusher, pass } = setUp(100);
    const rows = new Set<number>();
    aggregator.respond = (one) => {
      if (one.batch.reports.count > 30) return refuse(413, 'too_large');
      for (const ref of one.batch.reports.ref) rows.add(ref);
      return taken(one);
    };
    pusher.start(SECOND);
    await pass(2 * SECOND);
    expect(rows.size).toBe(100);
    expect(received.map(({ batch }) => batch.reports.count)).toEqual([100, 50, 25, 25, 25, 25]);
    await pusher.close();
  });

  it('gives up on a push that an aggregator keeps refusing, and backs off', async () => {
    const { received, aggregator, pusher, pass } = setUp(1);
    aggregator.respond = () => refuse(409, 'unknown_epoch');
    pusher.start(SECOND);
    await pass(1_100);
    expect(received.length).toBeLessThanOrEqual(10);
    await pusher.close();
  });

  it('changes to JSON for an aggregator that takes nothing else', async () => {
    const { received, aggregator, pusher, pass } = setUp(1);
    aggregator.respond = (one) =>
      one.headers['content-type'] === BATCH_JSON_V1 ? taken(one) : refuse(415, 'unsupported_version', [BATCH_JSON_V1]);
    pusher.start(SECOND);
    await pass(7 * SECOND);
    expect(received.map(({ headers }) => headers['content-type'] === BATCH_JSON_V1)).toEqual([false, true, true]);
    await pusher.close();
  });

  it('waits for a token instead of pushing without one', async () => {
    const { received, aggregator, pusher, pass } = setUp(1);
    aggregator.token = '';
    pusher.start(SECOND);
    await pass(10 * SECOND);
    expect([received.length, pusher.problem]).toEqual([0, 'the token file is empty']);
    aggregator.token = 'there';
    await pass(31 * SECOND);
    expect(received.length).toBeGreaterThan(0);
    await pusher.close();
  });

  it('forgets shortages that are history by the time somebody answers', async () => {
    const { received, aggregator, roster, pusher, pass, time } = setUp(1);
    aggregator.respond = () => ({ kind: 'failed', cause: 'ECONNREFUSED', arrived: 'no' });
    void pusher.urgent(roster.rows(), [shortageOf(1, time.clock.bootTimeMs())]);
    await pass(30 * SECOND);
    aggregator.respond = taken;
    pusher.start(SECOND);
    await pass(2 * SECOND);
    expect(received.at(-1)?.batch.shortages).toEqual([]);
    await pusher.close();
  });

  it('sends nothing once closed', async () => {
    const { received, roster, pusher, pass } = setUp(1);
    pusher.start(SECOND);
    await pass(2 * SECOND);
    await pusher.close();
    void pusher.urgent(roster.rows(), []);
    await pass(30 * SECOND);
    expect(received).toHaveLength(1);
  });
});
