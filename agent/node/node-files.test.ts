import { describe, expect, it } from 'vitest';
import { HYBRID_ROOT, PROC_ROOT, UNIFIED_ROOT } from '../../test/fixtures/cgroup/recorded.ts';
import { openHierarchy } from '../cgroup/hierarchy.ts';
import type { Hierarchy } from '../cgroup/hierarchy.ts';
import { emptySample, workingSetBytes } from '../cgroup/sample.ts';
import { NodeFiles } from './node-files.ts';

function read(procRoot: string, hierarchy: Hierarchy) {
  const files = new NodeFiles(procRoot, hierarchy);
  const sample = emptySample();
  const outcome = files.read(sample, 5);
  files.close();
  return { sample, outcome, problems: files.problems };
}

describe("the node's totals", () => {
  it('are those of the root cgroup on cgroup v2: usage is anon + file', () => {
    const { sample, outcome } = read(PROC_ROOT, openHierarchy(UNIFIED_ROOT, PROC_ROOT));
    expect(outcome).toBe('ok');
    expect(sample).toMatchObject({
      atBootMs: 5,
      cpuUsageUs: 3_108_000,
      cpuUserUs: 168_000,
      cpuQuotaUs: 200_000,
      cpuPeriodUs: 100_000,
      memoryCurrentBytes: 466944 + 53366784,
      memoryLimitBytes: 481052 * 1024,
      inactiveFileBytes: 0,
      shmemBytes: 53366784,
      swapBytes: NaN,
      eventsOomKill: 1,
      cpuSomeUs: 3279708,
      ioSomeUs: 0,
      memorySomeUs: 764331,
      memoryFullUs: 758740,
      pids: 57,
    });
  });

  it('are those of the v1 root on hybrid', () => {
    const { sample } = read(PROC_ROOT, openHierarchy(HYBRID_ROOT, PROC_ROOT));
    expect(workingSetBytes(sample)).toBe(956010496 - 205520896);
    expect(sample.anonBytes).toBe(308170752);
  });

  it('come from /proc where no controller counts', () => {
    const bare = { ...openHierarchy(UNIFIED_ROOT, PROC_ROOT), root: '/nonexistent', path: () => '/nonexistent' };
    const { sample, outcome } = read(PROC_ROOT, bare);
    expect(outcome).toBe('ok');
    expect(sample).toMatchObject({ cpuUsageUs: 3_140_000, shmemBytes: 52116 * 1024, ioReadBytes: NaN });
    expect(sample.memoryCurrentBytes).toBe(sample.anonBytes + 52116 * 1024);
  });

  it('are NaN, without a throw, where there is nothing at all', () => {
    const bare = { ...openHierarchy(UNIFIED_ROOT, PROC_ROOT), root: '/nonexistent', path: () => '/nonexistent' };
    const { sample, outcome } = read('/nonexistent', bare);
    expect(outcome).toBe('ok');
    expect({ ...sample, atBootMs: NaN, cpuPeriodUs: NaN }).toEqual(emptySample());
  });
});
