import { describe, expect, it } from 'vitest';
import { INTERVAL_MS, pusherOf, refuse, SECOND, settled, shortageOf, taken } from '../../test/fakes/fake-pusher.ts';
import type { Respond } from '../../test/fakes/fake-pusher.ts';
import { BATCH_JSON_V1 } from '../protocol/batch.ts';
import type { Batch } from '../protocol/batch.ts';
import { encodeReply } from '../protocol/push-reply.ts';
import { URGENT_FIRST } from '../protocol/reply.ts';

function seconds(batch: Batch | undefined): number {
  return [...(batch?.histogram.seconds ?? [])].reduce((sum, part) => sum + part, 0);
}

describe('Pusher', () => {
  it('pushes every row each interval, identities once, with the token of the moment', async () => {
    const { received, aggregator, pusher, pass } = pusherOf(3, 2 * SECOND);
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

  it('knows that its replica acts by the last answer, and no longer once one fails', async () => {
    const { aggregator, pusher, pass } = pusherOf(1);
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
    const { received, roster, pusher, pass, time } = pusherOf(2);
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
    const { received, roster, pusher, pass, time, holdFirst } = pusherOf(2);
    const release = holdFirst();
    const [first, second] = roster.rows();
    if (!first || !second) throw new Error('two rows');
    void pusher.urgent([first], []);
    const nowMs = time.clock.bootTimeMs();
    void pusher.urgent([second], [shortageOf(2, nowMs - 500)]);
    void pusher.urgent([second], [shortageOf(2, nowMs)]);
    await settled();
    expect(received).toHaveLength(1);
    release();
    await pass(100);
    expect(received).toHaveLength(2);
    expect(received[1]?.batch.shortages.map(({ raisedBootMs }) => raisedBootMs)).toEqual([nowMs]);
    await pusher.close();
  });

  it('backs off while nobody answers and then sends the newest state with everything merged in one batch', async () => {
    const { received, aggregator, pusher, pass, burn, figures } = pusherOf(2);
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
      const { received, aggregator, pusher, pass, burn } = pusherOf(1);
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
    const { received, aggregator, pusher, pass, burn } = pusherOf(1);
    aggregator.respond = (one) => (received.length === 1 ? refuse(410, 'stale') : taken(one));
    burn(2);
    pusher.start(SECOND);
    await pass(1_100);
    expect(received.map(({ batch }) => batch.sequence)).toEqual([1, 2]);
    expect(seconds(received[1]?.batch)).toBe(2);
    await pusher.close();
  });

  it('tells every identity again, from the first row on, when the aggregator lost the epoch', async () => {
    const { received, aggregator, pusher, pass } = pusherOf(3);
    pusher.start(SECOND);
    await pass(2 * SECOND);
    aggregator.respond = (one) => (one.batch.identities.length === 0 ? refuse(409, 'unknown_epoch') : taken(one));
    await pass(INTERVAL_MS);
    expect(received.map(({ batch }) => batch.identities.length)).toEqual([3, 0, 3]);
    expect((received[2]?.atMs ?? 0) - (received[1]?.atMs ?? 0)).toBeLessThan(200);
    await pusher.close();
  });

  it('makes the epoch known with a full push when an urgent one found it unknown, and carries the shortage', async () => {
    const { received, aggregator, roster, pusher, pass, time } = pusherOf(3);
    pusher.start(SECOND);
    await pass(2 * SECOND);
    aggregator.respond = (one) => (one.batch.identities.length < 3 ? refuse(409, 'unknown_epoch') : taken(one));
    void pusher.urgent(roster.rows().slice(1, 2), [shortageOf(2, time.clock.bootTimeMs())]);
    await pass(200);
    expect(received.at(-1)?.batch).toMatchObject({ identities: { length: 3 }, shortages: [{ ref: 2 }] });
    await pusher.close();
  });

  it('halves its batches until the aggregator takes them, losing no row', async () => {
    const { received, aggregator, pusher, pass } = pusherOf(100);
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
    const { received, aggregator, pusher, pass } = pusherOf(1);
    aggregator.respond = () => refuse(409, 'unknown_epoch');
    pusher.start(SECOND);
    await pass(1_100);
    expect(received.length).toBeLessThanOrEqual(10);
    await pusher.close();
  });

  it('changes to JSON for an aggregator that takes nothing else', async () => {
    const { received, aggregator, pusher, pass } = pusherOf(1);
    aggregator.respond = (one) =>
      one.headers['content-type'] === BATCH_JSON_V1 ? taken(one) : refuse(415, 'unsupported_version', [BATCH_JSON_V1]);
    pusher.start(SECOND);
    await pass(7 * SECOND);
    expect(received.map(({ headers }) => headers['content-type'] === BATCH_JSON_V1)).toEqual([false, true, true]);
    await pusher.close();
  });

  it('waits for a token instead of pushing without one', async () => {
    const { received, aggregator, pusher, pass } = pusherOf(1);
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
    const { received, aggregator, roster, pusher, pass, time } = pusherOf(1);
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
    const { received, roster, pusher, pass } = pusherOf(1);
    pusher.start(SECOND);
    await pass(2 * SECOND);
    await pusher.close();
    void pusher.urgent(roster.rows(), []);
    await pass(30 * SECOND);
    expect(received).toHaveLength(1);
  });
});
