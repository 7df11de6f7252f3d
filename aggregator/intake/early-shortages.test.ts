import { beforeEach, describe, expect, it } from 'vitest';
import type { Shortage } from '../../agent/protocol/shortage.ts';
import { silentLogger } from '../../agent/runtime/logger.ts';
import type { ShortageEvent } from '../resize/shortage-event.ts';
import {
  batch,
  container,
  containerIdentity,
  id,
  MIB,
  pod,
  testStore,
  usageRow,
  WALL_MS,
} from '../store/store.test-support.ts';
import { EarlyShortages } from './early-shortages.ts';

const MAIN = id('a1');
const LEAK: Shortage = {
  ref: 1,
  resource: 'memory',
  kind: 'limit-approach',
  raisedBootMs: 100_000,
  secondsToHarm: 2,
  need: 50 * MIB,
  limit: 64 * MIB,
  rate: 6 * MIB,
};
const web = pod('web', [container('main', MAIN)]);
const starting = pod('web', [container('main', '', { running: false })]);

let nowMs: number;
let raised: ShortageEvent[];
let acts: boolean;
let made: ReturnType<typeof testStore>;
let early: EarlyShortages;

beforeEach(() => {
  nowMs = 5000;
  raised = [];
  acts = true;
  made = testStore();
  early = new EarlyShortages({
    store: made.store,
    clock: () => nowMs,
    wallMs: () => WALL_MS,
    onShortage: (event) => {
      if (acts) raised.push(event);
      return acts;
    },
    log: silentLogger,
  });
});

const reading = (memoryCurrentBytes: number, fileBytes: number) => usageRow(1, { memoryCurrentBytes, fileBytes });

/** A batch with the shortage, kept as the intake keeps it. */
function told(shortage: Shortage = LEAK, row = reading(62 * MIB, 2 * MIB)): void {
  const given = batch({ identities: [containerIdentity(1, MAIN)], rows: [row] });
  made.push(given);
  early.keep(given, shortage);
}

const known = (record = web): void => {
  made.store.upsertPod(record);
  early.podChanged(record.nodeName);
};

describe('early shortages', () => {
  it('are raised once their pod is known, as of the newest reading and without a growth that is history', () => {
    told();
    made.push(batch({ sequence: 2, bootTimeMs: 104_000, rows: [reading(61 * MIB, MIB)] }));
    known(starting);
    expect(raised).toEqual([]);
    nowMs += 9000;
    known();
    expect(raised).toMatchObject([
      {
        shortage: { ...LEAK, need: 60 * MIB, rate: 0 },
        pod: { uid: 'uid-web' },
        container: { name: 'main', containerId: MAIN },
        observation: { memoryCurrentBytes: 61 * MIB },
        node: 'n1',
        receivedMonoMs: nowMs,
        raisedAgoMs: 9000,
        kept: true,
      },
    ]);
    known();
    expect(raised).toHaveLength(1);
    expect(early.size).toBe(0);
  });

  it('are raised once for what was told of a container again and again', () => {
    for (let count = 0; count < 5; count++) told();
    expect(early.size).toBe(1);
    known();
    expect(raised).toHaveLength(1);
  });

  it('wait for a pod of their own node', () => {
    told();
    made.store.upsertPod(web);
    early.podChanged('n2');
    expect(raised).toEqual([]);
    early.podChanged('n1');
    expect(raised).toHaveLength(1);
  });

  it('are forgotten after 17 seconds', () => {
    told();
    nowMs += 17_000;
    known();
    expect(raised).toEqual([]);
    expect(early.size).toBe(0);
  });

  it('are forgotten where another epoch gave their refs anew', () => {
    told();
    made.push(batch({ epoch: 2, bootTimeMs: 101_000, identities: [containerIdentity(1, id('b2'))], rows: [reading(MIB, 0)] })); // prettier-ignore
    known();
    expect(raised).toEqual([]);
    expect(early.size).toBe(1);
    nowMs += 17_000;
    early.podChanged('n1');
    expect(early.size).toBe(0);
  });

  it('are of memory alone: what throttles tells of it each second', () => {
    told({ ...LEAK, resource: 'cpu', kind: 'throttled' });
    expect(early.size).toBe(0);
  });

  it('stand near their limit still, or did harm: what was killed at it has given all back', () => {
    told(LEAK, reading(57 * MIB, 0));
    known();
    expect([raised, early.size]).toEqual([[], 0]);
    told({ ...LEAK, kind: 'limit-reached', need: 64 * MIB }, reading(20 * MIB, 0));
    known();
    expect(raised).toMatchObject([{ shortage: { kind: 'limit-reached', need: 64 * MIB } }]);
  });

  it('wait for a reading that is not older', () => {
    told({ ...LEAK, raisedBootMs: 100_500 });
    known();
    expect([raised.length, early.size]).toEqual([0, 1]);
    made.push(batch({ sequence: 2, bootTimeMs: 101_000, rows: [reading(60 * MIB, 0)] }));
    known();
    expect([raised.length, early.size]).toEqual([1, 0]);
  });

  it('wait where this replica does not act, until it does', () => {
    acts = false;
    told();
    known();
    early.leading();
    expect(early.size).toBe(1);
    acts = true;
    early.leading();
    expect([raised.length, early.size]).toEqual([1, 0]);
  });

  it('are at most 32 of a node and 256 in all, the newest', () => {
    const tell = (node: string, ref: number): void => early.keep({ ...batch(), node }, { ...LEAK, ref });
    for (let ref = 1; ref <= 100; ref++) tell('greedy', ref);
    expect(early.size).toBe(32);
    for (let at = 0; at < 300; at++) tell(`n${at}`, 1);
    expect(early.size).toBe(256);
    const given = batch({ node: 'n299', identities: [containerIdentity(1, MAIN)], rows: [reading(60 * MIB, 0)] });
    made.push(given);
    known(pod('web', [container('main', MAIN)], { nodeName: 'n299' }));
    expect(raised).toHaveLength(1);
  });
});
