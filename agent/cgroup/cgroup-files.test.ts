import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownCgroups, writableHierarchy } from '../../test/fixtures/cgroup/own-cgroups.ts';
import {
  HYBRID_CONTAINER,
  HYBRID_ROOT,
  PROC_ROOT,
  UNIFIED_CONTAINER,
  UNIFIED_ROOT,
} from '../../test/fixtures/cgroup/recorded.ts';
import { CgroupFiles } from './cgroup-files.ts';
import { openHierarchy } from './hierarchy.ts';
import { emptySample, workingSetBytes } from './sample.ts';

function readAll(files: CgroupFiles) {
  const sample = emptySample();
  const outcomes = [files.readFast(sample, 1000), files.readPressure(sample), files.readSlow(sample)];
  return { sample, outcomes };
}

describe('the files of a recorded container', () => {
  it('fill a sample on cgroup v2', () => {
    const files = new CgroupFiles(openHierarchy(UNIFIED_ROOT, PROC_ROOT), UNIFIED_CONTAINER);
    const { sample, outcomes } = readAll(files);
    files.close();
    expect(outcomes).toEqual(['ok', 'ok', 'ok']);
    expect(files.problems).toBe(0);
    expect(sample).toEqual({
      atBootMs: 1000,
      cpuUsageUs: 1581270,
      cpuUserUs: 139395,
      cpuSystemUs: 1441875,
      periods: 31,
      throttledPeriods: 29,
      throttledUs: 5051631,
      cpuQuotaUs: 20_000,
      cpuPeriodUs: 100_000,
      memoryCurrentBytes: 52330496,
      memoryLimitBytes: 67108864,
      memoryHighBytes: 50331648,
      memoryPeakBytes: 67108864,
      anonBytes: 339968,
      activeFileBytes: 0,
      inactiveFileBytes: 0,
      shmemBytes: 51380224,
      hotRefaultsFile: 0,
      swapBytes: 0,
      eventsHigh: 104,
      eventsMax: 36,
      eventsOom: 1,
      eventsOomKill: 1,
      cpuSomeUs: 2644146,
      memorySomeUs: 947361,
      memoryFullUs: 947361,
      ioSomeUs: 0,
      ioReadBytes: 0,
      ioWriteBytes: 0,
      pids: 4,
      waitMs: NaN,
    });
  });

  it('fill the same fields on hybrid, from their v1 counterparts', () => {
    const files = new CgroupFiles(openHierarchy(HYBRID_ROOT, PROC_ROOT), HYBRID_CONTAINER);
    const { sample, outcomes } = readAll(files);
    files.close();
    expect(outcomes).toEqual(['ok', 'ok', 'ok']);
    expect(workingSetBytes(sample)).toBe(46686208 - 94208);
    expect(sample).toMatchObject({
      cpuUsageUs: 1816641,
      cpuUserUs: 107327,
      periods: 61,
      throttledUs: 4031754,
      cpuQuotaUs: 30_000,
      cpuPeriodUs: 100_000,
      memoryCurrentBytes: 46686208,
      memoryLimitBytes: 67108864,
      memoryHighBytes: NaN,
      memoryPeakBytes: 67108864,
      anonBytes: 16453632,
      eventsMax: 7811,
      eventsOomKill: 1,
      eventsOom: NaN,
      cpuSomeUs: 3329883,
      swapBytes: 0,
      pids: 3,
    });
  });
});

describe('damaged files', () => {
  let root = '';
  let container = '';
  let files: CgroupFiles;
  const write = (name: string, text: string): void => writeFileSync(join(container, name), text);
  const usage = (usec: number) => {
    write('cpu.stat', `usage_usec ${usec}\nuser_usec 0\nsystem_usec 0\n`);
    const sample = emptySample();
    return [files.readFast(sample, 0), sample.cpuUsageUs];
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cgroup-files-'));
    cpSync(UNIFIED_ROOT, root, { recursive: true });
    container = join(root, UNIFIED_CONTAINER);
    files = new CgroupFiles(openHierarchy(root, PROC_ROOT), UNIFIED_CONTAINER);
  });
  afterEach(() => {
    files.close();
    rmSync(root, { recursive: true });
  });

  it('cost their own fields only, and are counted', () => {
    write('memory.current', 'garbage');
    const { sample, outcomes } = readAll(files);
    expect(outcomes).toEqual(['partial', 'ok', 'ok']);
    expect(files.problems).toBe(1);
    expect(sample).toMatchObject({ memoryCurrentBytes: NaN, cpuUsageUs: 1581270, eventsOomKill: 1 });
  });

  it('are believed again once they are whole', () => {
    truncateSync(join(container, 'memory.current'), 3);
    expect(readAll(files).sample.memoryCurrentBytes).toBeNaN();
    write('memory.current', '4096\n');
    expect(readAll(files)).toMatchObject({ sample: { memoryCurrentBytes: 4096 }, outcomes: ['ok', 'ok', 'ok'] });
  });

  it('that are absent are no problem: an older kernel has no memory.peak', () => {
    rmSync(join(container, 'memory.peak'));
    const { sample, outcomes } = readAll(files);
    expect(outcomes).toEqual(['ok', 'ok', 'ok']);
    expect(sample).toMatchObject({ memoryPeakBytes: NaN, pids: 4 });
  });

  it('that appear later are read later', () => {
    rmSync(join(container, 'io.pressure'));
    const sample = emptySample();
    files.readPressure(sample);
    expect(sample.ioSomeUs).toBeNaN();
    write('io.pressure', 'some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n');
    for (let reading = 0; reading < 60; reading++) files.readSlow(sample);
    files.readPressure(sample);
    expect(sample.ioSomeUs).toBe(7);
  });

  it('that can not be read at all are counted', () => {
    rmSync(join(container, 'memory.events'));
    mkdirSync(join(container, 'memory.events'));
    expect(files.readFast(emptySample(), 0)).toBe('partial');
    expect(files.problems).toBe(1);
  });

  it('larger than the buffer are read whole', () => {
    const devices = Array.from(
      { length: 2000 },
      (_, minor) => `8:${minor} rbytes=10 wbytes=1 rios=1 wios=1 dbytes=0 dios=0\n`,
    );
    write('io.stat', devices.join(''));
    expect(readAll(files)).toMatchObject({
      sample: { ioReadBytes: 20_000, ioWriteBytes: 2000 },
      outcomes: ['ok', 'ok', 'ok'],
    });
  });

  it('with CPU time that went back are not believed once', () => {
    expect([usage(100), usage(90), usage(95)]).toEqual([
      ['ok', 100],
      ['partial', NaN],
      ['ok', 95],
    ]);
  });

  it('of a cgroup that was never there say so', () => {
    const ghost = new CgroupFiles(openHierarchy(root, PROC_ROOT), 'kubepods.slice/nobody');
    expect(ghost.readFast(emptySample(), 0)).toBe('gone');
    expect(ghost.readSlow(emptySample())).toBe('gone');
    expect(ghost.problems).toBe(0);
  });
});

const hierarchy = writableHierarchy();

describe.skipIf(hierarchy === undefined)('the files of a cgroup on this kernel (needs a writable cgroup mount)', () => {
  it('say that the cgroup is gone, also when another one took its name', () => {
    const prefix = `headroom-test-files-${process.pid}`;
    const own = ownCgroups(hierarchy!, prefix);
    try {
      own.make('a');
      const files = new CgroupFiles(hierarchy!, `${prefix}/a`);
      expect(readAll(files).outcomes).toEqual(['ok', 'ok', 'ok']);
      expect(readAll(files).sample).toMatchObject({ cpuUsageUs: 0 });
      own.remove('a');
      own.make('a');
      expect(readAll(files).outcomes).toEqual(['gone', 'gone', 'gone']);
      files.close();
      const successor = new CgroupFiles(hierarchy!, `${prefix}/a`);
      expect(successor.readFast(emptySample(), 0)).toBe('ok');
      successor.close();
    } finally {
      own.removeAll();
    }
  });
});
