// Real workloads as the kernel told of them in the small machine (`npm run test:on-request -- record`), replayed through the agent's own
// sampler: its ticks find the readings of their instants, and each signal comes when it came.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fakeTime } from '../../test/fakes/fake-node.ts';
import type { Recording } from '../../test/vm/guest/record.ts';
import { emptySample } from '../cgroup/sample.ts';
import type { Sample } from '../cgroup/sample.ts';
import { Roster } from '../store/roster.ts';
import type { RowFiles } from '../store/row.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Sampler } from '../sampler.ts';
import type { SlotFindings } from '../sampler.ts';
import { Tick } from '../tick.ts';
import type { KernelWord, RaisedShortage } from './evidence.ts';

const MIB = 1024 * 1024;
const FOLDER = join(import.meta.dirname, '../../test/fixtures/signals');
const URGENT = ['memory-alarm', 'oom-begin', 'oom-victim', 'memory-events'];

interface Replayed {
  readonly raised: readonly RaisedShortage[];
  /** As a log line or the page tells them: once each. */
  readonly begun: readonly RaisedShortage[];
  /** The first time that the limit was met, by memory.events or the kernel's look for a victim; Infinity: never. */
  readonly limitMetMs: number;
  readonly recording: Recording;
}

function recordingOf(name: string): Recording {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Recording;
}

/** @param without kinds of signals that this agent can't hear */
function replay(name: string, without: readonly string[] = []): Replayed {
  const recording = recordingOf(name);
  const samples = recording.readings.map((reading) => sampleOf(recording, reading));
  const startMs = samples[0]!.atBootMs;
  const time = fakeTime(startMs);
  const files = filesOf(samples, time.clock.bootTimeMs);
  const roster = new Roster({ clock: time.clock, log: silentLogger, cpus: 2, open: () => files });
  const findings: SlotFindings[] = [];
  const sampler = new Sampler({
    clock: time.clock,
    roster,
    thresholds: { noiseBytes: MIB / 2 },
    onFindings: (found) => findings.push(found),
    onTick: () => undefined,
    onExtraWork: () => tick.wake(),
  });
  const found = { kind: 'container', podUid: 'p', containerId: 'c', qos: '', path: 'c', startWallMs: NaN } as const;
  const row = roster.add(found, false)!;
  const tick = new Tick(sampler, time.timers);
  tick.start();
  let attendedMs = -Infinity;
  for (const signal of recording.signals) {
    if (without.includes(signal.kind) || !URGENT.includes(signal.kind)) continue;
    time.advance(Math.max(0, signal.atBootMs - time.clock.bootTimeMs()));
    if (signal.kind === 'memory-events' && signal.atBootMs - attendedMs < 100) continue;
    attendedMs = signal.atBootMs;
    sampler.attend(row, wordOf(signal.kind));
  }
  time.advance(samples.at(-1)!.atBootMs - time.clock.bootTimeMs());
  tick.stop();
  const met = [
    ...recording.signals.flatMap(({ kind, atBootMs }) =>
      kind === 'oom-begin' || kind === 'memory-events' ? [atBootMs] : [],
    ),
    ...samples.flatMap(({ eventsMax, atBootMs }) => (eventsMax > 0 ? [atBootMs] : [])),
  ];
  return {
    raised: findings.flatMap(({ shortages }) => shortages),
    begun: findings.flatMap(({ begun }) => begun),
    limitMetMs: Math.min(...met),
    recording,
  };
}

function wordOf(kind: string): KernelWord | undefined {
  return kind === 'memory-alarm' ? 'alarm' : kind === 'oom-begin' ? 'oom' : undefined;
}

function sampleOf(
  { fields, memoryLimitBytes, cpuQuotaUs, cpuPeriodUs }: Recording,
  reading: Recording['readings'][number],
): Sample {
  const read = Object.fromEntries(fields.map((field, index) => [field, reading[index] ?? NaN]));
  return {
    ...emptySample(),
    memoryLimitBytes: memoryLimitBytes ?? Infinity,
    cpuQuotaUs: cpuQuotaUs ?? Infinity,
    cpuPeriodUs,
    ...read,
  };
}

/** Every read finds what the recording has of that instant. */
function filesOf(samples: readonly Sample[], nowMs: () => number): RowFiles {
  const newest = (): Sample => samples.findLast(({ atBootMs }) => atBootMs <= nowMs()) ?? samples[0]!;
  const nothing = (): void => undefined;
  return {
    readFast(sample, atBootMs) {
      Object.assign(sample, newest(), { atBootMs });
      return 'ok';
    },
    readPressure: nothing,
    readStill: nothing,
    readSlow: nothing,
    readLimits: nothing,
    readMemoryStat: nothing,
    close: nothing,
  };
}

describe('a recorded container', () => {
  it('that leaks 100 MiB/s is raised before its limit is met, once, at the kernel’s alarm', () => {
    const { begun, limitMetMs, recording } = replay('leak');
    expect(recording.killedBootMs).not.toBeNull();
    expect(begun[0]).toMatchObject({ resource: 'memory', kind: 'limit-approach' });
    expect(begun[0]!.raisedBootMs).toBeLessThan(limitMetMs);
    expect(begun).toHaveLength(1);
  });

  it('that leaks is raised without eBPF too, be it later', () => {
    const { begun, limitMetMs } = replay('leak', ['memory-alarm', 'oom-begin', 'oom-victim']);
    expect(begun).toHaveLength(1);
    expect(begun[0]!.raisedBootMs).toBeLessThan(limitMetMs + 1000);
  });

  it('that takes much at once and gives it back is one shortage, however often the kernel speaks', () => {
    const { begun, recording } = replay('burst');
    expect(recording.signals.filter(({ kind }) => kind === 'memory-alarm').length).toBeGreaterThan(0);
    expect(recording.killedBootMs).toBeNull();
    expect(begun.map(({ kind }) => kind)).toEqual(['limit-approach']);
  });

  it('that reads files through twice its limit is short of nothing, though it meets it hundreds of times', () => {
    const { raised, recording } = replay('reader');
    expect(recording.signals.filter(({ kind }) => kind === 'memory-events').length).toBeGreaterThan(100);
    expect(raised).toEqual([]);
  });

  it('that thrashes is short of the cache that it works with', () => {
    const thrashing = replay('thrash').raised.filter(({ evidence }) => evidence.hotRefaultsPerS !== undefined);
    expect(thrashing.length).toBeGreaterThan(3);
    const { kind, need, limit, evidence } = thrashing.at(-1)!;
    expect(kind).toBe('limit-reached');
    expect(need).toBeGreaterThan(0.9 * limit);
    expect(evidence.hotRefaultsPerS).toBeGreaterThan(1000);
    expect(evidence.stallShare).toBeGreaterThan(0.08);
  });

  it('that is throttled is short of CPU, and its waits are its own limit’s', () => {
    const { begun } = replay('throttle');
    expect(begun).toHaveLength(1);
    const [{ kind, evidence }] = begun as [RaisedShortage];
    expect(kind).toBe('throttled');
    expect(evidence.waitShare).toBeGreaterThan(0.3);
    expect(evidence.crowdedShare).toBeLessThan(evidence.waitShare! / 2);
  });

  it('whose neighbours take the CPUs waits, but is short of nothing that a limit gives', () => {
    const { raised, recording } = replay('neighbour');
    const waits = recording.readings.map((reading) => reading[recording.fields.indexOf('waitMs')] ?? 0);
    const spanMs = recording.readings.at(-1)![0]! - recording.readings[0]![0]!;
    expect((waits.at(-1)! - waits[0]!) / spanMs).toBeGreaterThan(0.05);
    expect(raised).toEqual([]);
  });

  it('is judged the same each time: nothing but the log is read', () => {
    for (const name of ['leak', 'burst', 'thrash', 'throttle'])
      expect(replay(name).raised).toEqual(replay(name).raised);
  });
});
