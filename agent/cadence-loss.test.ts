// What the cadence leaves out is never missed: kernels as they may behave, files on disk, the sampler on a fake clock.
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fakeCgroup, fakeTime } from '../test/fakes/fake-node.ts';
import { CgroupFiles } from './cgroup/cgroup-files.ts';
import { openHierarchy } from './cgroup/hierarchy.ts';
import { Roster } from './store/roster.ts';
import { silentLogger } from './runtime/logger.ts';
import { Sampler } from './sampler.ts';
import { Tick } from './tick.ts';

const SECOND = 1000;
/** design.md, "Sampling": a file's values are no older than this, in seconds. */
const EACH_SECOND = [
  'cpuUsageUs',
  'memoryCurrentBytes',
  'periods',
  'throttledPeriods',
  'eventsMax',
  'eventsOomKill',
] as const;
const EACH_5_SECONDS = [
  'anonBytes',
  'inactiveFileBytes',
  'activeFileBytes',
  'ioReadBytes',
  'ioWriteBytes',
  'pids',
  'swapBytes',
  'memoryPeakBytes',
  'memoryHighBytes',
  'memoryLimitBytes',
  'cpuQuotaUs',
  'cpuSomeUs',
  'memorySomeUs',
  'ioSomeUs',
] as const;

type Field = (typeof EACH_SECOND)[number] | (typeof EACH_5_SECONDS)[number];
type Values = Record<string, number>;

let root = '';
beforeEach(() => {
  written.clear();
  root = mkdtempSync(join(tmpdir(), 'headroom-cadence-'));
  writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory pids io\n');
});
afterEach(() => rmSync(root, { recursive: true }));

const written = new Map<string, string>();

/** A cgroup's files by what the kernel knows. */
function write(directory: string, v: Values): void {
  const pressure = (us: number): string => `some avg10=0.00 avg60=0.00 avg300=0.00 total=${us}\n`;
  const files: Record<string, string> = {
    'cpu.stat': `usage_usec ${v.cpuUsageUs}\nuser_usec 0\nsystem_usec 0\nnr_periods ${v.periods}\nnr_throttled ${v.throttledPeriods}\nthrottled_usec 0\n`,
    'memory.current': `${v.memoryCurrentBytes}\n`,
    'memory.events': `low 0\nhigh 0\nmax ${v.eventsMax}\noom 0\noom_kill ${v.eventsOomKill}\n`,
    'memory.stat': `anon ${v.anonBytes}\nshmem 0\ninactive_file ${v.inactiveFileBytes}\nactive_file ${v.activeFileBytes}\nworkingset_refault_file 0\n`,
    'io.stat': `8:0 rbytes=${v.ioReadBytes} wbytes=${v.ioWriteBytes} rios=0 wios=0 dbytes=0 dios=0\n`,
    'pids.current': `${v.pids}\n`,
    'memory.swap.current': `${v.swapBytes}\n`,
    'memory.peak': `${v.memoryPeakBytes}\n`,
    'memory.high': `${v.memoryHighBytes}\n`,
    'memory.max': `${v.memoryLimitBytes}\n`,
    'cpu.max': `${v.cpuQuotaUs} 100000\n`,
    'cpu.pressure': pressure(v.cpuSomeUs!),
    'memory.pressure': pressure(v.memorySomeUs!),
    'io.pressure': pressure(v.ioSomeUs!),
  };
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    if (written.get(path) !== text) writeFileSync(path, text);
    written.set(path, text);
  }
}

/**
 * One second of one cgroup. `runs`: a task of it ran, and may have done anything; the rest happens from outside, or to a task that
 * began to wait in a second in which it ran.
 */
interface SecondOf {
  readonly runs: boolean;
  readonly does: readonly Field[];
  readonly begins: 'memorySomeUs' | 'ioSomeUs' | undefined;
  readonly outside: readonly Field[];
}

const NEEDS_A_TASK: readonly Field[] = [
  ...EACH_SECOND.slice(1),
  'memoryPeakBytes',
  'swapBytes',
  'memorySomeUs',
  'ioSomeUs',
];
const FROM_OUTSIDE: readonly Field[] = EACH_5_SECONDS.filter((field) => !NEEDS_A_TASK.includes(field));

const second: fc.Arbitrary<SecondOf> = fc.record({
  runs: fc.boolean(),
  does: fc.subarray([...NEEDS_A_TASK, ...FROM_OUTSIDE]),
  begins: fc.constantFrom(undefined, undefined, 'memorySomeUs', 'ioSomeUs'),
  outside: fc.subarray([...FROM_OUTSIDE]),
});
/** Long calm stretches, in which reading is left out, between seconds in which something happens. */
const calm: fc.Arbitrary<SecondOf> = fc.constant({ runs: false, does: [], begins: undefined, outside: [] });
const script = fc.array(fc.oneof({ weight: 1, arbitrary: second }, { weight: 3, arbitrary: calm }), {
  minLength: 30,
  maxLength: 40,
});

interface Modelled {
  readonly directory: string;
  readonly values: Values;
  stalls: 'memorySomeUs' | 'ioSomeUs' | undefined;
}

/** @returns µs that the machine stalled for it */
function live({ directory, values }: Modelled, what: SecondOf, model: Modelled): number {
  const before = values.memorySomeUs! + values.ioSomeUs!;
  if (model.stalls !== undefined) values[model.stalls]! += 1_000_000;
  if (what.runs) {
    values.cpuUsageUs! += 50;
    for (const field of what.does) values[field]! += 4096;
    model.stalls = what.begins;
    if (what.begins) values[what.begins]! += 100;
  }
  for (const field of what.outside) values[field]! += 4096;
  write(directory, values);
  return values.memorySomeUs! + values.ioSomeUs! - before;
}

it('leaves nothing out that moved, and is never later than the design says', () => {
  fc.assert(
    fc.property(fc.array(script, { minLength: 3, maxLength: 3 }), (scripts) => {
      const time = fakeTime();
      const hierarchy = openHierarchy(root);
      const open = (path: string): CgroupFiles => new CgroupFiles(hierarchy, path);
      const roster = new Roster({ clock: time.clock, log: silentLogger, cpus: 2, open });
      const sampler = new Sampler({
        clock: time.clock,
        roster,
        thresholds: { noiseBytes: 1024 * 1024 },
        onFindings: () => {},
        onTick: () => {},
        onExtraWork: () => tick.wake(),
      });
      const tick = new Tick(sampler, time.timers);
      const machine = fakeCgroup({ memorySomeUs: 0, ioSomeUs: 0 });
      const node = roster.addNode({
        ...machine.files,
        readFast: (sample, atBootMs) => {
          Object.assign(sample, machine.kernel, { atBootMs });
          return 'ok';
        },
      });
      const models = scripts.map((_, index): Modelled => {
        const directory = join(root, `c${index}`);
        mkdirSync(directory, { recursive: true });
        const fields = [...EACH_SECOND, ...EACH_5_SECONDS];
        const values = Object.fromEntries(fields.map((field) => [field, 1_000_000]));
        write(directory, values);
        return { directory, values, stalls: undefined };
      });
      const rows = models.map((_, index) => {
        const path = `c${index}`;
        const found = { podUid: 'p', containerId: path, qos: '', path, startWallMs: NaN, kind: 'container' } as const;
        return roster.add(found, false)!;
      });
      const histories = models.map(({ values }): Values[] => [{ ...values }]);
      tick.start();
      time.advance(5 * SECOND + 50); // everything was read once
      for (let at = 0; at < Math.min(...scripts.map(({ length }) => length)); at++) {
        for (const [index, model] of models.entries()) {
          machine.kernel.memorySomeUs += live(model, scripts[index]![at]!, model);
          histories[index]!.unshift({ ...model.values });
        }
        time.advance(SECOND);
        for (const [index, row] of rows.entries()) {
          const seen = row.sample as unknown as Values;
          const tooOld = (fields: readonly Field[], seconds: number): readonly string[] =>
            fields
              .filter((field) => !histories[index]!.slice(0, seconds).some((values) => values[field] === seen[field]))
              .map((field) => `${field} ${seen[field]} at second ${at} of c${index}`);
          expect([...tooOld(EACH_SECOND, 1), ...tooOld(EACH_5_SECONDS, 5)]).toEqual([]);
        }
      }
      expect(node.sample.memorySomeUs).toBeLessThanOrEqual(machine.kernel.memorySomeUs);
      tick.stop();
      roster.close();
    }),
    { numRuns: 10 },
  );
}, 60_000);
