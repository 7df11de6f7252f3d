// How urgent and regular pushes share a connection.
import { describe, expect, it } from 'vitest';
import { INTERVAL_MS, pusherOf, refuse, SECOND, settled, shortageOf, taken } from '../../test/fakes/fake-pusher.ts';
import { encodeReply } from '../protocol/push-reply.ts';
import { URGENT_FIRST } from '../protocol/reply.ts';
import type { PostOutcome } from './post.ts';

describe('Urgent and regular pushes', () => {
  it('keeps one regular push in flight and sends an urgent one beside it', async () => {
    const { received, aggregator, roster, pusher, pass, time, holdFirst } = pusherOf(2);
    const release = holdFirst();
    pusher.start(SECOND);
    await pass(2 * SECOND);
    void pusher.urgent([...roster.rows()].slice(0, 1), [shortageOf(1, time.clock.bootTimeMs())]);
    await settled();
    expect(received).toHaveLength(1);
    await pass(100);
    expect(received).toHaveLength(2);
    expect(received[1]?.batch).toMatchObject({ sequence: 2, shortages: [{ ref: 1, kind: 'limit-approach' }] });
    expect(received[1]?.batch.reports.count).toBe(1);
    await pass(20 * SECOND);
    expect(received).toHaveLength(2);
    release();
    await pass(INTERVAL_MS);
    expect(received).toHaveLength(3);
    expect(received[2]?.batch.shortages).toEqual([]);
    expect(aggregator.mostInFlight).toBe(2);
    await pusher.close();
  });

  it('sends an urgent one as soon as the regular one in flight is answered, on its connection', async () => {
    const { received, aggregator, roster, pusher, pass, time, holdFirst } = pusherOf(2);
    const release = holdFirst();
    pusher.start(SECOND);
    await pass(SECOND);
    const [first, second] = roster.rows();
    void pusher.urgent([first!], [shortageOf(1, time.clock.bootTimeMs())]);
    time.advance(40);
    void pusher.urgent([second!], [shortageOf(2, time.clock.bootTimeMs())]);
    await settled();
    expect(received).toHaveLength(1);
    release();
    await settled();
    expect(received.map(({ batch }) => batch.shortages.length)).toEqual([0, 2]);
    expect(aggregator.mostInFlight).toBe(1);
    await pass(INTERVAL_MS);
    expect(received).toHaveLength(3);
    await pusher.close();
  });

  it('sends nothing that waited for an answer once it is closed', async () => {
    const { received, aggregator, roster, pusher, pass } = pusherOf(1);
    let fail: (() => void) | undefined;
    aggregator.respond = () =>
      new Promise((resolve) => (fail = () => resolve({ kind: 'failed', cause: 'closed', arrived: 'unknown' })));
    pusher.start(SECOND);
    await pass(SECOND);
    void pusher.urgent(roster.rows(), []);
    const closing = pusher.close();
    fail?.();
    await closing;
    await pass(INTERVAL_MS);
    expect(received).toHaveLength(1);
  });

  it('opens the connection anew for an urgent one whose regular one failed', async () => {
    const { aggregator, received, roster, pusher, pass, time } = pusherOf(1);
    let fail: (() => void) | undefined;
    aggregator.respond = (one) =>
      received.length > 1
        ? taken(one)
        : new Promise((resolve) => (fail = () => resolve({ kind: 'failed', cause: 'ECONNRESET', arrived: 'unknown' })));
    pusher.start(SECOND);
    await pass(SECOND);
    void pusher.urgent(roster.rows(), [shortageOf(1, time.clock.bootTimeMs())]);
    fail?.();
    await settled();
    expect(received.at(-1)?.batch.shortages).toHaveLength(1);
    expect(aggregator.connections).toBe(2);
    await pusher.close();
  });

  it('waits for nobody where another connection is open and free', async () => {
    const { received, aggregator, roster, pusher, pass, holdFirst } = pusherOf(1);
    const release = holdFirst();
    pusher.start(SECOND);
    await pass(SECOND);
    aggregator.isFree = true;
    void pusher.urgent(roster.rows(), []);
    await settled();
    expect(received).toHaveLength(2);
    release();
    await pusher.close();
  });

  it('waits for the whole of a regular push of several batches, 100 ms at most', async () => {
    const { received, aggregator, roster, pusher, pass, time } = pusherOf(100);
    aggregator.respond = (one) => {
      if (one.batch.reports.count > 30) return refuse(413, 'too_large');
      return new Promise((resolve) => time.timers.after(40, () => resolve(taken(one))));
    };
    pusher.start(SECOND);
    await pass(SECOND);
    const began = received.length;
    void pusher.urgent([...roster.rows()].slice(0, 1), [shortageOf(1, time.clock.bootTimeMs())]);
    for (let passed = 0; passed < 90; passed += 10) {
      time.advance(10);
      await settled();
    }
    expect(received.slice(began).map(({ batch }) => batch.reports.count)).toEqual([25, 25]);
    expect(aggregator.mostInFlight).toBe(1);
    time.advance(10);
    await settled();
    expect(received.at(-1)?.batch.reports.count).toBe(1);
    expect(aggregator.mostInFlight).toBe(2);
    await pass(SECOND);
    await pusher.close();
  });

  it('leaves it to others at once where the regular push tells that its replica acts no more', async () => {
    for (const last of [taken, (): PostOutcome => ({ kind: 'failed', cause: 'ECONNRESET', arrived: 'unknown' })]) {
      const { received, aggregator, roster, pusher, pass, time } = pusherOf(1);
      aggregator.respond = ({ batch }) => ({ kind: 'answered', status: 200, body: encodeReply({ accepted: batch.sequence, names: [], directives: [{ kind: URGENT_FIRST, fencing: 3 }] }) }); // prettier-ignore
      pusher.start(SECOND);
      await pass(SECOND);
      let release: (() => void) | undefined;
      aggregator.respond = (one) => new Promise((resolve) => (release = () => resolve(last(one))));
      await pass(INTERVAL_MS);
      let told = false;
      void pusher.urgent(roster.rows(), [shortageOf(1, time.clock.bootTimeMs())]).then(() => (told = true));
      await settled();
      expect([told, received.length]).toEqual([false, 2]);
      aggregator.respond = taken;
      release?.();
      await settled();
      expect([told, received.length, pusher.fencing]).toEqual([true, 2, undefined]);
      await pass(INTERVAL_MS);
      expect(received.slice(2).filter(({ batch }) => batch.shortages.length === 1)).toHaveLength(1);
      await pusher.close();
    }
  });

  it('sends first figures all the same where its replica acts no more', async () => {
    const { received, aggregator, roster, pusher, pass } = pusherOf(1);
    aggregator.respond = ({ batch }) => ({ kind: 'answered', status: 200, body: encodeReply({ accepted: batch.sequence, names: [], directives: [{ kind: URGENT_FIRST, fencing: 3 }] }) }); // prettier-ignore
    pusher.start(SECOND);
    await pass(SECOND);
    let release: (() => void) | undefined;
    aggregator.respond = (one) => new Promise((resolve) => (release = () => resolve(taken(one))));
    await pass(INTERVAL_MS);
    void pusher.urgent(roster.rows(), []);
    aggregator.respond = taken;
    release?.();
    await settled();
    expect([received.length, pusher.fencing]).toEqual([3, undefined]);
    await pusher.close();
  });

  it('keeps a regular push until an urgent one in flight is answered, 100 ms at most', async () => {
    for (const afterMs of [40, 400]) {
      const { received, aggregator, roster, pusher, pass, time } = pusherOf(1);
      pusher.start(SECOND);
      await pass(2 * SECOND);
      aggregator.respond = (one) =>
        one.batch.shortages.length === 0
          ? taken(one)
          : new Promise((resolve) => time.timers.after(afterMs, () => resolve(taken(one))));
      await pass(INTERVAL_MS - SECOND - 20);
      void pusher.urgent(roster.rows(), [shortageOf(1, time.clock.bootTimeMs())]);
      time.advance(20);
      await settled();
      expect(received).toHaveLength(2);
      for (let passed = 0; passed < 100; passed += 10) {
        time.advance(10);
        await settled();
      }
      expect(received).toHaveLength(3);
      expect(aggregator.mostInFlight).toBe(afterMs > 100 ? 2 : 1);
      await pass(SECOND);
      await pusher.close();
    }
  });
});
