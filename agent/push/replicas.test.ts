import { describe, expect, it } from 'vitest';
import { fakeTime } from '../../test/fakes/fake-node.ts';
import { silentLogger } from '../runtime/logger.ts';
import { MAX_TALLY_SLOTS } from '../store/roster.ts';
import type { Shortage } from '../protocol/shortage.ts';
import type { Row } from '../store/row.ts';
import { Replicas } from './replicas.ts';
import type { Urgent } from './replicas.ts';

const SECOND = 1000;

interface FakePusher {
  readonly address: string;
  readonly tallySlot: number;
  readonly startedAtMs: number[];
  problem: string;
  urgents: number;
  /** Shortages that it was given. */
  noted: number;
  fencing: number | undefined;
  /** Answers the last urgent push. */
  answer: () => void;
  closed: boolean;
}

function setUp(url = 'https://aggregator:4444') {
  const time = fakeTime();
  const pushers: FakePusher[] = [];
  const free = Array.from({ length: MAX_TALLY_SLOTS }, (_, slot) => slot);
  const asked: number[] = [];
  const dns: { answer: readonly string[] | Error } = { answer: ['10.0.0.1'] };
  const replicas = new Replicas({
    url,
    resolve: async () => {
      asked.push(time.timers.monotonicMs());
      if (dns.answer instanceof Error) throw dns.answer;
      return dns.answer;
    },
    createPusher: (address, tallySlot) => {
      const pusher: FakePusher = { address, tallySlot, startedAtMs: [], problem: '', urgents: 0, noted: 0, fencing: undefined, answer: () => {}, closed: false }; // prettier-ignore
      pushers.push(pusher);
      return {
        get problem() {
          return pusher.problem;
        },
        start: (delayMs) => pusher.startedAtMs.push(time.timers.monotonicMs() + delayMs),
        get fencing() {
          return pusher.fencing;
        },
        urgent: async (rows, shortages) => {
          pusher.noted += shortages.length;
          if ([...rows].length === 0) return;
          pusher.urgents++;
          await new Promise<void>((resolve) => (pusher.answer = resolve));
        },
        close: async () => void (pusher.closed = true),
      };
    },
    roster: {
      openTallySlot: () => free.shift(),
      closeTallySlot: (slot) => void free.push(slot),
    },
    timers: time.timers,
    log: silentLogger,
    random: () => 0.5,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      time.advance(Math.min(100, left));
      await settled();
    }
  };
  return { replicas, pushers, free, asked, dns, pass };
}

const ROW = {} as Row;
const SHORTAGE: Shortage = { ref: 1, resource: 'memory', kind: 'limit-approach', raisedBootMs: 0, secondsToHarm: 5, need: 1, limit: 2, rate: 3 }; // prettier-ignore
const FIGURES: Urgent = { rows: [ROW], forAll: [ROW], shortages: [] };
/** Found and pushed to for a second. */
async function started(...addresses: readonly string[]) {
  const setup = setUp();
  setup.dns.answer = addresses;
  setup.replicas.start(0);
  await setup.pass(SECOND);
  return setup;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Replicas', () => {
  it('pushes to every address of the name, all for the first time at the same moment', async () => {
    const { replicas, pushers, dns, pass } = setUp();
    dns.answer = ['10.0.0.1', '10.0.0.2', 'fd00::3'];
    replicas.start(2 * SECOND);
    await pass(SECOND);
    expect(pushers.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2', 'fd00::3']);
    expect(pushers.map(({ tallySlot }) => tallySlot)).toEqual([0, 1, 2]);
    expect(pushers.map(({ startedAtMs }) => startedAtMs)).toEqual([[2000], [2000], [2000]]);
    replicas.urgent(FIGURES);
    await settled();
    expect(pushers.map(({ urgents }) => urgents)).toEqual([1, 1, 1]);
    await replicas.close();
    expect(pushers.every(({ closed }) => closed)).toBe(true);
  });

  it('pushes a shortage that begins to the replica that acts, by its newest fencing, and to the others a moment later', async () => {
    const { replicas, pushers, pass } = await started('10.0.0.1', '10.0.0.2', '10.0.0.3');
    // The first was told by its former holder.
    pushers[0]!.fencing = 0;
    pushers[1]!.fencing = 1;
    const urgents = (): number[] => pushers.map((pusher) => pusher.urgents);
    replicas.urgent({ ...FIGURES, shortages: [SHORTAGE] });
    await pass(200);
    expect(urgents()).toEqual([0, 1, 0]);
    pushers[1]!.answer();
    await pass(100);
    expect(urgents()).toEqual([0, 1, 0]);
    await pass(200);
    expect(urgents()).toEqual([1, 1, 1]);
    // Figures alone are no matter of who acts.
    replicas.urgent(FIGURES);
    await settled();
    expect(urgents()).toEqual([2, 2, 2]);
    await replicas.close();
  });

  it('pushes a shortage to the replica that acts alone, and leaves it to the next push of the others; to all where none says that it acts', async () => {
    const { replicas, pushers, pass } = await started('10.0.0.1', '10.0.0.2');
    const short: Urgent = { rows: [ROW], forAll: [], shortages: [SHORTAGE] };
    pushers[0]!.fencing = 2;
    replicas.urgent(short);
    await pass(100);
    pushers[0]!.answer();
    await pass(SECOND);
    expect(pushers.map(({ urgents, noted }) => [urgents, noted])).toEqual([[1, 1], [0, 1]]); // prettier-ignore
    pushers[0]!.fencing = undefined;
    replicas.urgent(short);
    await settled();
    expect(pushers.map(({ urgents, noted }) => [urgents, noted])).toEqual([[2, 2], [1, 2]]); // prettier-ignore
    await replicas.close();
  });

  it('pushes a shortage to the others when the one that acted fails, or acts no more', async () => {
    const { replicas, pushers } = await started('10.0.0.1', '10.0.0.2');
    pushers[0]!.fencing = 2;
    replicas.urgent({ rows: [ROW], forAll: [], shortages: [SHORTAGE] });
    await settled();
    expect(pushers[1]!.urgents).toBe(0);
    pushers[0]!.fencing = undefined;
    pushers[0]!.answer();
    await settled();
    expect(pushers.map(({ urgents, noted }) => [urgents, noted])).toEqual([[1, 1], [1, 1]]); // prettier-ignore
    await replicas.close();
  });

  it('does not keep the others waiting for a replica that does not answer, not for a shortage that lasts either', async () => {
    const { replicas, pushers, pass } = await started('10.0.0.1', '10.0.0.2');
    pushers[1]!.fencing = 7;
    replicas.urgent({ rows: [ROW], forAll: [], shortages: [SHORTAGE] });
    await pass(300);
    expect(pushers.map(({ urgents }) => urgents)).toEqual([0, 1]);
    await pass(200);
    expect(pushers.map(({ urgents }) => urgents)).toEqual([1, 1]);
    await replicas.close();
  });

  it('takes an address as it is, and asks nobody about it', async () => {
    const { replicas, pushers, asked, pass } = setUp('https://[fd00::1]:4444');
    replicas.start(0);
    await pass(60 * SECOND);
    replicas.pushFailed();
    await pass(60 * SECOND);
    expect([pushers.map(({ address }) => address), asked]).toEqual([['fd00::1'], []]);
    await replicas.close();
  });

  it('finds a replica that was added within 15 s and leaves those alone that were there', async () => {
    const { replicas, pushers, dns, pass } = setUp();
    replicas.start(0);
    await pass(SECOND);
    dns.answer = ['10.0.0.2', '10.0.0.1'];
    await pass(15 * SECOND);
    expect(pushers.map(({ address, closed }) => [address, closed])).toEqual([
      ['10.0.0.1', false],
      ['10.0.0.2', false],
    ]);
    await replicas.close();
  });

  it('follows a replica that moved within a second of the first failed push, and hands what it was not told on', async () => {
    const { replicas, pushers, dns, pass } = setUp();
    replicas.start(0);
    await pass(SECOND);
    dns.answer = ['10.0.0.9'];
    pushers[0]!.problem = 'ECONNREFUSED';
    replicas.pushFailed();
    await pass(1_100);
    expect(pushers.map(({ address, tallySlot, closed }) => [address, tallySlot, closed])).toEqual([
      ['10.0.0.1', 0, true],
      ['10.0.0.9', 0, false],
    ]);
    await replicas.close();
  });

  it('asks less and less often while a replica that is still named fails, at least each 15 s', async () => {
    const { replicas, pushers, asked, pass } = setUp();
    replicas.start(0);
    await pass(SECOND);
    pushers[0]!.problem = 'ECONNREFUSED';
    for (let turn = 0; turn < 60; turn++) {
      replicas.pushFailed();
      await pass(SECOND);
    }
    expect(asked.length).toBeGreaterThanOrEqual(6);
    expect(asked.length).toBeLessThanOrEqual(10);
    expect(pushers).toHaveLength(1);
    await replicas.close();
  });

  it('keeps a replica whose pushes are taken when one answer lacks it, and lets it go when two do', async () => {
    const { replicas, pushers, dns, pass } = await started('10.0.0.1', '10.0.0.2');
    dns.answer = ['10.0.0.1'];
    await pass(15 * SECOND);
    expect(pushers[1]?.closed).toBe(false);
    await pass(15 * SECOND);
    expect(pushers[1]?.closed).toBe(true);
    await replicas.close();
  });

  it('goes on with the addresses it has while the name is not resolved, and says why', async () => {
    const { replicas, pushers, dns, pass } = setUp();
    replicas.start(0);
    await pass(SECOND);
    for (const answer of [new Error('ENOTFOUND aggregator'), []]) {
      dns.answer = answer;
      await pass(16 * SECOND);
      expect(pushers[0]?.closed).toBe(false);
      expect(replicas.problems).toEqual([answer instanceof Error ? answer.message : 'aggregator has no address']);
    }
    dns.answer = ['10.0.0.1'];
    await pass(16 * SECOND);
    expect(replicas.problems).toEqual([]);
    await replicas.close();
  });

  it('gives the slot of a replica that nobody replaced back after 15 minutes', async () => {
    const { replicas, dns, free, pass } = setUp();
    dns.answer = ['10.0.0.1', '10.0.0.2'];
    replicas.start(0);
    await pass(SECOND);
    dns.answer = ['10.0.0.1'];
    await pass(60 * SECOND);
    expect(free).not.toContain(1);
    await pass(900 * SECOND);
    expect(free).toContain(1);
    await replicas.close();
  });

  it('opens no more pushers than there are slots', async () => {
    const { replicas, pushers, dns, pass } = setUp();
    dns.answer = Array.from({ length: MAX_TALLY_SLOTS + 5 }, (_, index) => `10.0.0.${index}`);
    replicas.start(0);
    await pass(SECOND);
    expect(pushers).toHaveLength(MAX_TALLY_SLOTS);
    await replicas.close();
  });

  it('asks nobody once closed', async () => {
    const { replicas, asked, pass } = setUp();
    replicas.start(0);
    await pass(SECOND);
    await replicas.close();
    replicas.pushFailed();
    await pass(60 * SECOND);
    expect(asked).toHaveLength(1);
  });
});
