import { beforeEach, describe, expect, it } from 'vitest';
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { ShortageEvent } from '../resize/shortage-event.ts';
import {
  batch,
  BOOT_ID,
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
let made: ReturnType<typeof testStore>;
let early: EarlyShortages;

beforeEach(() => {
  nowMs = 5000;
  raised = [];
  made = testStore();
  early = new EarlyShortages({
    store: made.store,
    clock: () => nowMs,
    wallMs: () => WALL_MS,
    onShortage: (event) => raised.push(event),
  });
});

const reading = (memoryCurrentBytes: number, fileBytes: number) => usageRow(1, { memoryCurrentBytes, fileBytes });

/** A batch with the shortage, kept as the intake keeps it. */
function told(shortage: Shortage = LEAK, row = reading(52 * MIB, 2 * MIB)): void {
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
        shortage: { ...LEAK, need: 60 * MIB, rate: 0, raisedBootMs: 104_000 },
        pod: { uid: 'uid-web' },
        container: { name: 'main', containerId: MAIN },
        observation: { memoryCurrentBytes: 61 * MIB },
        node: 'n1',
        receivedMonoMs: nowMs,
        raisedAgoMs: 0,
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

  it('are forgotten after 15 seconds', () => {
    told();
    nowMs += 15_000;
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
    nowMs += 15_000;
    early.podChanged('n1');
    expect(early.size).toBe(0);
  });

  it('are of memory alone: what throttles tells of it each second', () => {
    told({ ...LEAK, resource: 'cpu', kind: 'throttled' });
    expect(early.size).toBe(0);
  });

  it('are at most 256, the newest', () => {
    for (let ref = 1; ref <= 300; ref++) early.keep({ ...batch(), bootId: BOOT_ID }, { ...LEAK, ref });
    expect(early.size).toBe(256);
    const given = batch({ identities: [containerIdentity(300, MAIN)], rows: [{ ...reading(60 * MIB, 0), ref: 300 }] });
    made.push(given);
    known();
    expect(raised).toHaveLength(1);
  });
});
