import { describe, expect, it } from 'vitest';
import { fakeCgroup, fakeTime } from '../test/fakes/fake-node.ts';
import type { FakeCgroup } from '../test/fakes/fake-node.ts';
import { Roster } from './store/roster.ts';
import type { Row } from './store/row.ts';
import { silentLogger } from './runtime/logger.ts';
import { Sampler } from './sampler.ts';
import type { SlotFindings } from './sampler.ts';
import { Tick } from './tick.ts';
import { usageOver } from './store/window.ts';

const MIB = 1024 * 1024;
const SECOND = 1000;
const LIMITED = { memoryLimitBytes: 128 * MIB, cpuQuotaUs: Infinity, cpuPeriodUs: 100_000, pids: 1 };

function setUp() {
  const time = fakeTime();
  const findings: (SlotFindings & { readonly atMs: number })[] = [];
  const opened = new Map<string, FakeCgroup>();
  const roster = new Roster({
    clock: time.clock,
    log: silentLogger,
    cpus: 2,
    open: (path) => (opened.get(path) ?? fakeCgroup()).files,
  });
  roster.openTallySlot();
  const sampler = new Sampler({
    clock: time.clock,
    roster,
    thresholds: { noiseBytes: MIB / 2 },
    onFindings: (found) => findings.push({ ...found, atMs: time.timers.monotonicMs() }),
    onTick: () => {},
    onExtraWork: () => tick.wake(),
  });
  const tick = new Tick(sampler, time.timers);
  const add = (path: string, cgroup: FakeCgroup, options: { born?: boolean; kind?: 'pod' } = {}): Row => {
    opened.set(path, cgroup);
    const startWallMs = options.born ? time.clock.wallTimeMs() : NaN;
    const found = { podUid: 'p', containerId: 'c', qos: '', path, startWallMs } as const;
    const row = roster.add({ ...found, kind: options.kind ?? 'container' }, options.born ?? false);
    if (!row) throw new Error(`${path} was not taken`);
    if (options.born) sampler.welcome(row);
    return row;
  };
  return { time, findings, roster, sampler, tick, add };
}

/** A process that uses `cores` and grows by `mibPerSecond`. */
function process(setup: ReturnType<typeof setUp>, cores: number, mibPerSecond = 0, limits = LIMITED): FakeCgroup {
  const bornMs = setup.time.clock.bootTimeMs();
  return fakeCgroup({ ...limits }, ({ kernel }) => {
    const seconds = (setup.time.clock.bootTimeMs() - bornMs) / SECOND;
    kernel.cpuUsageUs = seconds * cores * 1e6;
    kernel.memoryCurrentBytes = (8 + seconds * mibPerSecond) * MIB;
  });
}

describe('Sampler', () => {
  it('reads each container once a second, half of them half a second later', () => {
    const setup = setUp();
    const cgroups = Array.from({ length: 100 }, () => process(setup, 0.1));
    const rows = cgroups.map((cgroup, index) => setup.add(`c${index}`, cgroup));
    setup.tick.start();
    setup.time.advance(10 * SECOND - 1);
    setup.tick.stop();
    for (const { calls } of cgroups) expect(calls.readFast).toBe(1 + 10); // 1: when it was found
    const phases = new Set(rows.map(({ sample }) => sample.atBootMs % SECOND));
    expect([...phases]).toEqual([0, 500]);
  });

  it('reads a small node in one burst, until it is clearly larger', () => {
    const setup = setUp();
    const rows: ReturnType<typeof setup.add>[] = [];
    const phases = (count: number): number[] => {
      while (rows.length < count) rows.push(setup.add(`c${rows.length}`, process(setup, 0.1)));
      setup.time.advance(2 * SECOND);
      return [...new Set(rows.map(({ sample }) => Math.round(sample.atBootMs) % SECOND))];
    };
    setup.tick.start();
    setup.time.advance(900);
    expect([phases(64), phases(95), phases(96)]).toEqual([[0], [0], [0, 500]]);
    for (const row of rows.splice(65)) setup.roster.remove(row.identity.cgroup);
    expect(phases(65)).toEqual([0, 500]);
    setup.roster.remove(rows.pop()!.identity.cgroup);
    expect(phases(64)).toEqual([0]);
    setup.tick.stop();
  });

  it('reads slow files every 5 s staggered, and memory.stat at once when memory moved', () => {
    const setup = setUp();
    const [still, growing] = [process(setup, 0.1), process(setup, 0.1, 1, { ...LIMITED, memoryLimitBytes: Infinity })];
    setup.add('still', still);
    setup.add('growing', growing);
    setup.tick.start();
    setup.time.advance(20 * SECOND - 1);
    setup.tick.stop();
    expect(still.calls.readSlow).toBeLessThanOrEqual(5);
    expect(still.calls.readMemoryStat).toBe(0);
    expect(growing.calls.readMemoryStat).toBe(20 - growing.calls.readSlow);
  });

  it('leaves the pressure files of an idle container to the slow cadence', () => {
    const setup = setUp();
    const [idle, busy] = [process(setup, 0), process(setup, 0.5)];
    setup.add('idle', idle);
    setup.add('busy', busy);
    setup.tick.start();
    setup.time.advance(20 * SECOND - 1);
    setup.tick.stop();
    expect(idle.calls.readPressure).toBeLessThanOrEqual(6);
    expect(busy.calls.readPressure).toBe(20);
  });

  it('hands over a new container when it is 1 s and 2 s old, with a rate since its birth', () => {
    const setup = setUp();
    setup.tick.start();
    setup.time.advance(3_450);
    const row = setup.add('new', process(setup, 0.5), { born: true });
    setup.time.advance(1_200);
    expect(setup.findings).toHaveLength(1);
    expect([...(setup.findings[0]?.rows ?? [])]).toEqual([row]);
    expect([...(setup.findings[0]?.forAll ?? [])]).toEqual([row]);
    expect(usageOver(row.ring, 15_000)?.cpuUs).toBeCloseTo(500_000, -5);
    setup.time.advance(1_000);
    expect(setup.findings).toHaveLength(2);
    setup.time.advance(10 * SECOND);
    expect(setup.findings).toHaveLength(2);
    setup.tick.stop();
    expect(setup.findings.map(({ forAll }) => forAll.size)).toEqual([1, 1]);
    for (const [index, { atMs }] of setup.findings.entries()) {
      const ageMs = atMs - 3_450;
      expect(ageMs).toBeGreaterThanOrEqual((index + 1) * SECOND);
      expect(ageMs).toBeLessThanOrEqual((index + 1) * SECOND + 100);
    }
  });

  it('lets a new pod wait for its turn: its containers are what is asked for', () => {
    const setup = setUp();
    setup.tick.start();
    setup.time.advance(3_450);
    const cgroup = process(setup, 0.5);
    const row = setup.add('new', cgroup, { born: true, kind: 'pod' });
    setup.time.advance(20 * SECOND);
    setup.tick.stop();
    expect(setup.findings).toEqual([]);
    expect(cgroup.calls.readFast).toBe(1 + 4);
    expect(usageOver(row.ring, 15_000)?.cpuUs).toBeCloseTo(7_500_000, -5);
  });

  it('changes no rate when the wall clock is set back or forward an hour', () => {
    const setup = setUp();
    const row = setup.add('steady', process(setup, 0.25));
    setup.tick.start();
    for (let second = 0; second < 60; second++) {
      setup.time.advance(SECOND);
      if (second === 20) setup.time.stepWall(-3_600_000);
      if (second === 40) setup.time.stepWall(3_600_000);
      const usage = usageOver(row.ring, 15_000);
      if (usage) expect(usage.cpuUs / usage.windowUs).toBeCloseTo(0.25, 6);
      expect(row.ring.length).toBe(second + 2);
    }
    setup.tick.stop();
    expect(row.tallies[0]?.cpuPeakMillis).toBeCloseTo(250, 6);
  });

  it('restarts the series when counters went back, and goes on', () => {
    const setup = setUp();
    const cgroup = process(setup, 0.5);
    const row = setup.add('restarted', cgroup);
    setup.tick.start();
    setup.time.advance(10 * SECOND);
    const reading = cgroup.files.readFast;
    const offset = row.sample.cpuUsageUs;
    Object.assign(cgroup.files, {
      readFast: (sample: Row['sample'], atBootMs: number) => {
        const outcome = reading(sample, atBootMs);
        sample.cpuUsageUs -= offset;
        return outcome;
      },
    });
    setup.time.advance(SECOND);
    expect([row.ring.length, usageOver(row.ring, 15_000)]).toEqual([1, undefined]);
    setup.time.advance(2 * SECOND);
    setup.tick.stop();
    const usage = usageOver(row.ring, 15_000);
    expect((usage?.cpuUs ?? 0) / (usage?.windowUs ?? 1)).toBeCloseTo(0.5, 6);
    expect(row.tallies[0]?.cpuPeakMillis).toBeCloseTo(500, 6);
  });

  it('forgets a cgroup that is gone and counts a reading that was cut short', () => {
    const setup = setUp();
    const [gone, partial] = [process(setup, 0.1), process(setup, 0.1)];
    setup.add('gone', gone);
    setup.add('partial', partial);
    setup.tick.start();
    setup.time.advance(2_500);
    gone.gone = true;
    partial.partial = true;
    setup.time.advance(3 * SECOND);
    setup.tick.stop();
    expect(setup.roster.rows().map(({ identity }) => identity.cgroup)).toEqual(['partial']);
    expect(gone.closed).toBe(true);
    expect(setup.sampler.readProblems).toBe(3);
  });

  it('watches a container near its limit ten times a second and raises its leak seconds before the kill', () => {
    const setup = setUp();
    setup.add('leak', process(setup, 0.1, 10));
    setup.tick.start();
    setup.time.advance(8 * SECOND);
    const [first] = setup.findings;
    expect(first?.shortages[0]).toMatchObject({ ref: 1, resource: 'memory', kind: 'limit-approach' });
    expect((first?.shortages[0]?.secondsToHarm ?? 0) > 4).toBe(true);
    expect(setup.sampler.watched).toBe(1);
    setup.tick.stop();
  });

  it.each([8, 9, 10, 11, 12])('hands a shortage over before it reads what else is due, at %i MiB/s', (mibPerSecond) => {
    const setup = setUp();
    setup.add('leak', process(setup, 0.1, mibPerSecond));
    const slow = (): FakeCgroup => fakeCgroup({ ...LIMITED }, () => setup.time.spend(4));
    for (let index = 0; index < 40; index += 1) setup.add(`slow-${index}`, slow());
    setup.tick.start();
    setup.time.advance(12 * SECOND);
    setup.tick.stop();
    const told = setup.findings.filter(({ shortages }) => shortages.length > 0);
    expect(told.length).toBeGreaterThan(3);
    const raisedMs = ({ shortages }: SlotFindings): number => shortages[0]!.raisedBootMs;
    const bootMs = setup.time.clock.bootTimeMs() - setup.time.timers.monotonicMs();
    expect(told.map((each) => bootMs + each.atMs - raisedMs(each))).toEqual(told.map(() => 0));
  });

  it('hands over a limit that changes after a shortage at once', () => {
    const setup = setUp();
    const leak = process(setup, 0.1, 10);
    const row = setup.add('leak', leak);
    setup.tick.start();
    setup.time.advance(7 * SECOND);
    expect(setup.findings.length).toBeGreaterThan(0);
    leak.kernel.memoryLimitBytes = 1024 * MIB;
    const before = setup.findings.length;
    setup.time.advance(1_100);
    setup.tick.stop();
    const after = setup.findings.slice(before);
    expect(after.some(({ rows, shortages }) => rows.has(row) && shortages.length === 0)).toBe(true);
    expect(after.every(({ forAll }) => forAll.size === 0)).toBe(true);
    expect(row.sample.memoryLimitBytes).toBe(1024 * MIB);
  });

  it('never raises a reader of big files whose cache fills the limit', () => {
    const setup = setUp();
    const bornMs = setup.time.clock.bootTimeMs();
    const reader = fakeCgroup({ ...LIMITED }, ({ kernel }) => {
      const readMib = ((setup.time.clock.bootTimeMs() - bornMs) / SECOND) * 300;
      kernel.inactiveFileBytes = Math.min(readMib, 118) * MIB;
      kernel.memoryCurrentBytes = 10 * MIB + kernel.inactiveFileBytes;
      kernel.eventsMax = Math.max(0, readMib - 118) * 6;
    });
    setup.add('reader', reader);
    setup.tick.start();
    setup.time.advance(60 * SECOND);
    setup.tick.stop();
    expect(setup.findings).toEqual([]);
  });

  it('reads pods each fifth second and never judges them short', () => {
    const setup = setUp();
    const pod = process(setup, 0.1, 10);
    setup.add('pod', pod, { kind: 'pod' });
    setup.tick.start();
    setup.time.advance(20 * SECOND - 1);
    setup.tick.stop();
    expect(pod.calls.readFast).toBe(1 + 4);
    expect(setup.findings).toEqual([]);
  });

  it('reads a row at once when the kernel speaks of it, and closely from then on', () => {
    const { time, findings, sampler, tick, add } = setUp();
    const cgroup = fakeCgroup();
    const MIB_128 = 128 * MIB;
    Object.assign(cgroup.kernel, { cpuUsageUs: 0, memoryCurrentBytes: 20 * MIB, memoryLimitBytes: MIB_128 });
    Object.assign(cgroup.kernel, { activeFileBytes: 0, inactiveFileBytes: 0 });
    const row = add('c', cgroup);
    tick.start();
    time.advance(3000);
    expect(findings).toEqual([]);
    cgroup.kernel.memoryCurrentBytes = 127 * MIB;
    time.advance(100);
    expect([sampler.watched, findings.length]).toEqual([0, 0]);
    sampler.attend(row);
    expect(sampler.watched).toBe(1);
    time.advance(200); // one reading alone is no shortage: it may be torn
    expect(findings[0]?.shortages[0]).toMatchObject({ resource: 'memory', need: 127 * MIB });
    tick.stop();
  });

  it('leaves a reader of files whose cache meets its limit to the ticks, until it needs more itself', () => {
    const { time, sampler, tick, add } = setUp();
    const cgroup = fakeCgroup({ ...LIMITED, memoryCurrentBytes: 127 * MIB, inactiveFileBytes: 100 * MIB });
    const row = add('c', cgroup);
    tick.start();
    time.advance(3000);
    const { readFast } = cgroup.calls;
    time.advance(20);
    expect([sampler.attend(row), sampler.watched, cgroup.calls.readFast]).toEqual(['later', 0, readFast]);
    cgroup.kernel.eventsMax = 50;
    time.advance(480);
    expect([sampler.attend(row), sampler.watched, cgroup.calls.readFast]).toEqual(['later', 0, readFast + 1]);
    // 16 MiB since the tick: at its limit within ten seconds.
    cgroup.kernel.eventsMax = 100;
    cgroup.kernel.inactiveFileBytes = 84 * MIB;
    time.advance(100);
    expect([sampler.attend(row), sampler.watched]).toEqual(['tick', 1]);
    tick.stop();
  });

  it('watches closely what the kernel calls short itself, whatever the files say by then', () => {
    const { time, sampler, tick, add } = setUp();
    const row = add('c', fakeCgroup({ ...LIMITED, memoryCurrentBytes: 20 * MIB }));
    tick.start();
    time.advance(3000);
    expect([sampler.attend(row), sampler.watched]).toEqual(['later', 0]);
    expect([sampler.attend(row, 'alarm'), sampler.watched]).toEqual(['tick', 1]);
    tick.stop();
  });

  it('judges the kernel’s word by what the files say now, not by a walk of before it', () => {
    const { time, findings, sampler, tick, add } = setUp();
    const cgroup = fakeCgroup({ ...LIMITED, memoryCurrentBytes: 20 * MIB });
    const row = add('c', cgroup);
    const { readFast } = cgroup.files;
    Object.assign(cgroup.files, {
      readFast: (sample: Row['sample'], atBootMs: number, now = false) => {
        const outcome = readFast(sample, atBootMs);
        if (!now) sample.memoryCurrentBytes = 20 * MIB; // as it was walked
        return outcome;
      },
    });
    tick.start();
    time.advance(3000);
    cgroup.kernel.memoryCurrentBytes = 120 * MIB;
    time.advance(50);
    sampler.attend(row, 'alarm');
    expect(findings[0]?.shortages[0]).toMatchObject({ need: 120 * MIB, evidence: { said: 'alarm' } });
    tick.stop();
  });
});
