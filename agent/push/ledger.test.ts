import { describe, expect, it } from 'vitest';
import { fakeCgroup, fakeTime } from '../../test/fakes/fake-node.ts';
import { MAX_HISTOGRAM_ENTRIES, MAX_ROWS } from '../protocol/bounds.ts';
import { CPU_BUCKETS, cpuBucketStart } from '../protocol/histogram-scheme.ts';
import { Roster } from '../store/roster.ts';
import type { Row } from '../store/row.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Ledger } from './ledger.ts';
import type { Parcel } from './ledger.ts';

function setUp(count: number): { roster: Roster; ledger: Ledger; rows: () => readonly Row[] } {
  const { clock } = fakeTime();
  const roster = new Roster({ clock, log: silentLogger, cpus: 2, open: () => fakeCgroup().files });
  roster.openTallySlot();
  for (let index = 0; index < count; index++) {
    const found = { kind: 'container', podUid: 'p', containerId: 'c', qos: '', startWallMs: NaN } as const;
    roster.add({ ...found, path: `c${index}` }, false);
  }
  return { roster, ledger: new Ledger(0, roster), rows: () => roster.rows() };
}

function refs(parcel: Parcel | undefined): number[] {
  return parcel?.identities.map(({ ref }) => ref) ?? [];
}

function secondsIn(ledger: Ledger, parcel: Parcel): number {
  let sum = 0;
  for (const row of parcel.rows) ledger.tallyOf(parcel, row)?.each((_, seconds) => (sum += seconds));
  return sum;
}

function burn(rows: readonly Row[], millis = 100): void {
  for (const row of rows) row.tallies[0]?.noteCpu(millis, 1000, true);
}

describe('Ledger', () => {
  it('sends identities until they are acknowledged, and not again', () => {
    const { ledger, rows } = setUp(2);
    const lost = ledger.regular(rows(), 0, MAX_ROWS);
    expect(refs(lost)).toEqual([1, 2]);
    ledger.settle(lost, 'not stored');
    const taken = ledger.regular(rows(), 0, MAX_ROWS);
    expect(refs(taken)).toEqual([1, 2]);
    ledger.settle(taken, 'stored');
    expect(refs(ledger.regular(rows(), 0, MAX_ROWS))).toEqual([]);
    ledger.forgetKnown();
    expect(refs(ledger.regular(rows(), 0, MAX_ROWS))).toEqual([1, 2]);
  });

  it('says what is gone until that is acknowledged, and nothing of what was never told', () => {
    const { ledger, rows, roster } = setUp(2);
    roster.remove('c0');
    ledger.settle(ledger.regular(rows(), 0, MAX_ROWS), 'stored');
    roster.remove('c1');
    const lost = ledger.regular(rows(), 0, MAX_ROWS);
    expect(lost.gone).toEqual([2]);
    ledger.settle(lost, 'not stored');
    const again = ledger.regular(rows(), 0, MAX_ROWS);
    expect(again.gone).toEqual([2]);
    ledger.settle(again, 'stored');
    expect(ledger.regular(rows(), 0, MAX_ROWS).gone).toEqual([]);
  });

  it('sends the last numbers of a row that ended, and says in the same batch that it is gone', () => {
    const { ledger, rows, roster } = setUp(2);
    ledger.settle(ledger.regular(ledger.rows(), 0, MAX_ROWS), 'stored');
    burn(rows());
    const ended = roster.get(1);
    roster.remove('c0');
    expect(ledger.urgent(rows()).gone).toEqual([]);
    const lost = ledger.regular(ledger.rows(), 0, MAX_ROWS);
    expect([lost.rows.includes(ended!), lost.gone, secondsIn(ledger, lost)]).toEqual([true, [1], 2]);
    expect(ledger.urgent(rows()).gone).toEqual([]); // its last numbers are on their way
    ledger.settle(lost, 'not stored');
    const again = ledger.regular(ledger.rows(), 0, MAX_ROWS);
    expect([again.gone, secondsIn(ledger, again)]).toEqual([[1], 2]);
    ledger.settle(again, 'stored');
    const next = ledger.regular(ledger.rows(), 0, MAX_ROWS);
    expect([next.rows.length, next.gone]).toEqual([1, []]);
  });

  it('tells of a row that began and ended between two pushes', () => {
    const { ledger, rows, roster } = setUp(1);
    burn(rows());
    roster.remove('c0');
    const parcel = ledger.regular(ledger.rows(), 0, MAX_ROWS);
    expect([refs(parcel), parcel.gone, secondsIn(ledger, parcel)]).toEqual([[1], [1], 1]);
  });

  it('leaves what it was not told to whoever takes over its slot', () => {
    const { ledger, rows, roster } = setUp(1);
    burn(rows());
    ledger.settle(ledger.regular(ledger.rows(), 0, MAX_ROWS), 'unknown');
    ledger.close();
    const heir = new Ledger(0, roster);
    expect(secondsIn(heir, heir.regular(heir.rows(), 0, MAX_ROWS))).toBe(1);
  });

  it('loses no second of the histogram over refusals and an outage', () => {
    const { ledger, rows } = setUp(3);
    for (let turn = 0; turn < 20; turn++) {
      burn(rows());
      ledger.settle(ledger.regular(rows(), 0, MAX_ROWS), 'not stored');
    }
    burn(rows(), 4000);
    const parcel = ledger.regular(rows(), 0, MAX_ROWS);
    expect(secondsIn(ledger, parcel)).toBe(3 * 21);
    for (const row of parcel.rows) expect(ledger.tallyOf(parcel, row)?.cpuPeakMillis).toBe(4000);
    ledger.settle(parcel, 'stored');
    expect(secondsIn(ledger, ledger.regular(rows(), 0, MAX_ROWS))).toBe(0);
  });

  it('keeps what is noted while a push is in flight apart from it', () => {
    const { ledger, rows } = setUp(1);
    burn(rows());
    const parcel = ledger.regular(rows(), 0, MAX_ROWS);
    burn(rows());
    ledger.settle(parcel, 'stored');
    expect(secondsIn(ledger, ledger.regular(rows(), 0, MAX_ROWS))).toBe(1);
  });

  it('sends an unanswered parcel again under its number and content, and counts it once either way', () => {
    for (const second of ['stored', 'unknown'] as const) {
      const { ledger, rows } = setUp(1);
      burn(rows());
      const parcel = ledger.regular(rows(), 0, MAX_ROWS);
      ledger.settle(parcel, 'unknown');
      burn(rows());
      const retry = ledger.unanswered();
      expect(retry).toMatchObject({ sequence: parcel.sequence, retry: true });
      expect(retry && secondsIn(ledger, retry)).toBe(1);
      if (retry) ledger.settle(retry, second);
      if (second === 'unknown') {
        const third = ledger.unanswered();
        expect(third?.sequence).toBe(parcel.sequence);
        if (third) ledger.settle(third, 'stored');
      }
      const next = ledger.regular(rows(), 0, MAX_ROWS);
      expect([next.sequence, secondsIn(ledger, next)]).toEqual([parcel.sequence + 1, 1]);
    }
  });

  it('gives an unanswered parcel back when an urgent batch overtook it', () => {
    const { ledger, rows } = setUp(1);
    burn(rows());
    ledger.settle(ledger.regular(rows(), 0, MAX_ROWS), 'unknown');
    ledger.settle(ledger.urgent(rows()), 'stored');
    expect(ledger.unanswered()).toBeUndefined();
    expect(secondsIn(ledger, ledger.regular(rows(), 0, MAX_ROWS))).toBe(1);
  });

  it('leaves the peaks to the regular push when it sends urgently', () => {
    const { ledger, rows } = setUp(1);
    burn(rows());
    const urgent = ledger.urgent(rows());
    expect(secondsIn(ledger, urgent)).toBe(0);
    ledger.settle(urgent, 'stored');
    expect(secondsIn(ledger, ledger.regular(rows(), 0, MAX_ROWS))).toBe(1);
  });

  it('cuts rows into batches within the bounds on rows and histogram entries', () => {
    const { ledger, rows } = setUp(800);
    for (let bucket = 0; bucket < CPU_BUCKETS; bucket++) burn(rows(), cpuBucketStart(bucket) + 0.5);
    const first = ledger.regular(rows(), 0, MAX_ROWS);
    const entries = first.rows.reduce((sum, row) => sum + (ledger.tallyOf(first, row)?.size ?? 0), 0);
    expect(entries).toBeLessThanOrEqual(MAX_HISTOGRAM_ENTRIES);
    expect(first.rows.length).toBeLessThan(800);
    const second = ledger.regular(rows(), first.rows.length, MAX_ROWS);
    expect(first.rows.length + second.rows.length).toBe(800);
    expect(ledger.regular(rows(), 0, 100).rows).toHaveLength(100);
  });
});
