import { describe, expect, it } from 'vitest';
import { fakeCgroup, fakeTime } from '../../test/fakes/fake-node.ts';
import type { FakeCgroup, FakeTime } from '../../test/fakes/fake-node.ts';
import { MAX_TALLY_SLOTS, Roster } from './roster.ts';
import type { NewCgroup } from './roster.ts';
import { silentLogger } from '../runtime/logger.ts';
import { usageOver } from './window.ts';

const POD = '3f2b8b1e-5a0c-4d55-9a6e-0d9c4f4a1b2c';
const ID = 'a'.repeat(64);

function setUp(options: { cgroups?: FakeCgroup[]; maxRows?: number } = {}): { time: FakeTime; roster: Roster } {
  const time = fakeTime();
  const left = [...(options.cgroups ?? [])];
  const roster = new Roster({
    clock: time.clock,
    log: silentLogger,
    cpus: 2,
    open: () => (left.shift() ?? fakeCgroup()).files,
    ...(options.maxRows === undefined ? {} : { maxRows: options.maxRows }),
  });
  roster.openTallySlot();
  return { time, roster };
}

function container(path: string, startWallMs = NaN): NewCgroup {
  return { kind: 'container', podUid: POD, containerId: ID, qos: 'burstable', path, startWallMs };
}

describe('Roster', () => {
  it('gives the node ref 0 and every cgroup a ref that is never used again', () => {
    const { roster } = setUp();
    roster.addNode(fakeCgroup().files);
    const refs = [];
    for (let round = 0; round < 5; round++) {
      refs.push(roster.add(container('kubepods/a'), true)?.identity.ref);
      roster.remove('kubepods/a');
    }
    expect(refs).toEqual([1, 2, 3, 4, 5]);
    expect(roster.rows().map(({ identity }) => identity.ref)).toEqual([0]);
  });

  it('takes a path once, and again after it was gone', () => {
    const { roster } = setUp();
    expect(roster.add(container('a'), true)).toBeDefined();
    expect(roster.add(container('a'), true)).toBeUndefined();
    roster.remove('a');
    expect(roster.add(container('a'), true)).toBeDefined();
  });

  it('closes the files of what is gone, and of everything at the end', () => {
    const cgroups = [fakeCgroup(), fakeCgroup()];
    const { roster } = setUp({ cgroups });
    roster.add(container('a'), false);
    roster.add(container('b'), false);
    roster.remove('a');
    expect(cgroups.map(({ closed }) => closed)).toEqual([true, false]);
    roster.close();
    expect(cgroups.map(({ closed }) => closed)).toEqual([true, true]);
    expect(roster.rows()).toEqual([]);
  });

  it('leaves out a cgroup that vanished between discovery and the first reading', () => {
    const vanished = fakeCgroup();
    vanished.gone = true;
    const { roster } = setUp({ cgroups: [vanished] });
    expect(roster.add(container('a'), true)).toBeUndefined();
    expect([roster.rows(), vanished.closed]).toEqual([[], true]);
  });

  it('holds a bound on rows and counts what it left out', () => {
    const { roster } = setUp({ maxRows: 2 });
    for (const path of ['a', 'b', 'c', 'd']) roster.add(container(path), false);
    expect([roster.rows().length, roster.refused]).toEqual([2, 2]);
  });

  it('starts the series at birth when the cgroup was seen within 2 s of it', () => {
    const { time, roster } = setUp({ cgroups: [fakeCgroup({ cpuUsageUs: 100_000 })] });
    const row = roster.add(container('a', time.clock.wallTimeMs() - 300), true);
    expect(row?.identity.startBootMs).toBe(time.clock.bootTimeMs() - 300);
    if (!row) return;
    row.sample.atBootMs = row.sinceBootMs + 1000;
    row.sample.cpuUsageUs = 400_000;
    row.record();
    expect(usageOver(row.ring, 15_000)).toEqual({ windowUs: 1_000_000, cpuUs: 400_000 });
  });

  it('does not trust a birth whose counters are too large for the age', () => {
    const { time, roster } = setUp({ cgroups: [fakeCgroup({ cpuUsageUs: 60_000_000 })] });
    expect(roster.add(container('a', time.clock.wallTimeMs() - 300), true)?.ring.length).toBe(0);
  });

  it('takes the first sight for the birth when the directory says nothing or the wall clock was set back', () => {
    for (const startWallMs of [NaN, Infinity, 1_750_000_000_000 + 3_600_000]) {
      const { time, roster } = setUp();
      const row = roster.add(container('a', startWallMs), true);
      expect(row?.identity.startBootMs).toBe(time.clock.bootTimeMs());
      expect(row?.ring.length).toBe(0);
    }
  });

  it('keeps the names that the aggregator told, and forgets names of refs that are gone', () => {
    const { roster } = setUp();
    const row = roster.add(container('a'), false);
    roster.setNames([
      { ref: 1, namespace: 'shop', pod: 'web-0', container: 'web' },
      { ref: 99, namespace: 'x', pod: 'y', container: 'z' },
    ]);
    expect(row?.name).toEqual({ ref: 1, namespace: 'shop', pod: 'web-0', container: 'web' });
  });

  it('keeps ended rows until every aggregator has their last numbers, and no more of them than is bounded', () => {
    const { roster } = setUp();
    const second = roster.openTallySlot();
    const row = roster.add(container('kubepods/a'), true);
    row?.tallies[0]?.noteCpu(100, 1000, true);
    row?.tallies[1]?.noteCpu(100, 1000, true);
    roster.remove('kubepods/a');
    expect([second, roster.ended(0), roster.ended(1)]).toEqual([1, [row], [row]]);
    row?.openTally(0);
    expect([roster.ended(0), roster.ended(1)]).toEqual([[], [row]]);
    roster.closeTallySlot(1);
    expect([roster.ended(0), roster.ended(1)]).toEqual([[], []]);
    for (let index = 0; index < 600; index++) {
      roster.add(container(`kubepods/${index}`), true)?.tallies[0]?.noteCpu(1, 1000, true);
      roster.remove(`kubepods/${index}`);
    }
    expect(roster.ended(0)).toHaveLength(512);
    expect(roster.ended(0)[0]?.identity.cgroup).toBe('kubepods/88');
  });

  it('gives each aggregator a slot of its own, up to a bound, and a slot that was given up again', () => {
    const { roster } = setUp();
    const slots = Array.from({ length: MAX_TALLY_SLOTS }, () => roster.openTallySlot());
    expect(slots.at(-2)).toBe(MAX_TALLY_SLOTS - 1);
    expect(slots.at(-1)).toBeUndefined();
    roster.closeTallySlot(3);
    expect(roster.add(container('kubepods/a'), true)?.tallies[3]).toBeUndefined();
    expect(roster.openTallySlot()).toBe(3);
    expect(roster.rows()[0]?.tallies[3]?.isEmpty).toBe(true);
  });
});
