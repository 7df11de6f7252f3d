// How soon a leak is told of in a container whose page cache meets its limit all the time: memory.events speaks of it without end.
import { describe, expect, it } from 'vitest';
import { fakeCgroup, fakeTime } from '../test/fakes/fake-node.ts';
import { silentLogger } from './runtime/logger.ts';
import { Sampler } from './sampler.ts';
import type { Attended } from './sampler.ts';
import { Roster } from './store/roster.ts';
import { Tick } from './tick.ts';

const MIB = 1024 * 1024;
const LIMIT_MIB = 128;
const LEAK_FROM_MS = 10_000;
/** Until memory.events is heard again, as agent/kernel-signals.ts has it. */
const AGAIN_MS: Readonly<Record<Attended, number>> = { tick: Infinity, soon: 100, later: 300 };

interface Leak {
  readonly mibPerSecond: number;
  readonly startMib: number;
  /** After LEAK_FROM_MS. */
  readonly phaseMs: number;
  /** Of before the leak; lowered when it begins, while the cache fills what is left. */
  readonly limitBeforeMib?: number;
}

/** @returns whether a shortage was told before the limit was needed whole */
function isToldInTime({ mibPerSecond, startMib, phaseMs, limitBeforeMib = LIMIT_MIB }: Leak): boolean {
  const time = fakeTime();
  const told: unknown[] = [];
  let armed = true;
  let armedAgainMs = Infinity;
  const nowMs = (): number => time.timers.monotonicMs();
  const fromMs = LEAK_FROM_MS + phaseMs;
  const needMib = (): number => startMib + (Math.max(0, nowMs() - fromMs) / 1000) * mibPerSecond;
  const events = { eventsMax: 0, eventsHigh: 0, eventsOom: 0, eventsOomKill: 0 };
  const cgroup = fakeCgroup({ ...events, cpuQuotaUs: Infinity, cpuPeriodUs: 100_000, pids: 1 }, ({ kernel }) => {
    const heldMib = LIMIT_MIB - 1;
    kernel.eventsMax = Math.floor(nowMs());
    kernel.memoryLimitBytes = (nowMs() < fromMs ? limitBeforeMib : LIMIT_MIB) * MIB;
    kernel.memoryCurrentBytes = heldMib * MIB;
    kernel.inactiveFileBytes = Math.max(0, heldMib - needMib()) * MIB;
  });
  const roster = new Roster({ clock: time.clock, log: silentLogger, cpus: 2, open: () => cgroup.files });
  roster.openTallySlot();
  const sampler = new Sampler({
    clock: time.clock,
    roster,
    thresholds: { noiseBytes: MIB / 2 },
    onFindings: ({ shortages }) => told.push(...shortages),
    onTick: () => (armed = true),
    onExtraWork: () => tick.wake(),
  });
  const tick = new Tick(sampler, time.timers);
  const identity = { kind: 'container', podUid: 'p', containerId: 'c', qos: '', path: 'c', startWallMs: NaN } as const;
  const row = roster.add(identity, false)!;
  const atLimit = (): boolean => limitBeforeMib === LIMIT_MIB || nowMs() >= fromMs;
  tick.start();
  while (told.length === 0 && needMib() < LIMIT_MIB) {
    time.advance(5);
    if (nowMs() >= armedAgainMs) armed = true;
    if (!armed || !atLimit()) continue;
    armed = false;
    armedAgainMs = nowMs() + AGAIN_MS[sampler.attend(row)];
  }
  tick.stop();
  return told.length > 0;
}

function inTime(leak: Omit<Leak, 'phaseMs'>, phases: readonly number[]): number {
  return phases.filter((phaseMs) => isToldInTime({ ...leak, phaseMs })).length;
}

describe('a container whose cache is at its limit', () => {
  const second = Array.from({ length: 20 }, (_, at) => at * 50);

  it.each([60, 100, 200])('is told of before a leak of %i MiB/s is there, whatever the instant', (mibPerSecond) => {
    expect(inTime({ mibPerSecond, startMib: 20 }, second)).toBe(20);
  });

  it.each([15, 40])('is told of where the limit was lowered just now, at %i MiB/s', (mibPerSecond) => {
    const fiveSeconds = second.map((ms) => ms * 5);
    expect(inTime({ mibPerSecond, startMib: 40, limitBeforeMib: 1024 }, fiveSeconds)).toBe(20);
  });
});
