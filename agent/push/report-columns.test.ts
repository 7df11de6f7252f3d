import { describe, expect, it } from 'vitest';
import { fakeCgroup } from '../../test/fakes/fake-node.ts';
import { CPU_SCHEME, cpuBucketOf } from '../protocol/histogram-scheme.ts';
import { ReportBuffers } from './report-columns.ts';
import { Row } from '../store/row.ts';

const MIB = 1024 * 1024;

function rowOf(ref: number, cores: number, memory = true): Row {
  const identity = { ref, kind: 'container', podUid: '', containerId: '', cgroup: '', startBootMs: 0 } as const;
  const row = new Row(identity, fakeCgroup().files, 0, [0], false);
  for (let second = 0; second < 5; second++) {
    Object.assign(row.sample, {
      atBootMs: second * 1000,
      cpuUsageUs: second * cores * 1e6,
      cpuQuotaUs: 50_000,
      cpuPeriodUs: 100_000,
      ...(memory ? { memoryCurrentBytes: 100 * MIB, activeFileBytes: 10 * MIB, inactiveFileBytes: 30 * MIB } : {}),
    });
    row.record();
  }
  return row;
}

describe('ReportBuffers', () => {
  it('reports levels, limits and the CPU used over the window', () => {
    const { reports } = new ReportBuffers().columns([rowOf(7, 0.5)], 15_000, (row) => row.tallies[0]);
    const value = (name: keyof typeof reports.values): number | undefined => reports.values[name]?.[0];
    expect([reports.count, ...reports.ref]).toEqual([1, 7]);
    expect([value('windowUs'), value('cpuWindowUs'), value('cpuUsageUs')]).toEqual([4e6, 2e6, 2e6]);
    expect([value('workingSetBytes'), value('fileBytes')]).toEqual([70 * MIB, 40 * MIB]);
    expect([value('cpuLimitMillis'), value('cpuPeakMillis'), value('workingSetPeakBytes')]).toEqual([
      500,
      500,
      70 * MIB,
    ]);
  });

  it('leaves out columns that no row has and marks what one row has not', () => {
    const { reports } = new ReportBuffers().columns([rowOf(1, 0.1), rowOf(2, 0.1, false)], 15_000, () => undefined);
    expect(reports.values.pids).toBeUndefined();
    expect(reports.values.cpuPeakMillis).toBeUndefined();
    expect([...(reports.values.memoryCurrentBytes ?? [])]).toEqual([100 * MIB, NaN]);
  });

  it('says in which bucket each row spent its seconds', () => {
    const rows = [rowOf(1, 0.1), rowOf(2, 2)];
    const { histogram } = new ReportBuffers().columns(rows, 15_000, (row) => row.tallies[0]);
    expect(histogram.scheme).toBe(CPU_SCHEME);
    expect([...histogram.row]).toEqual([0, 1]);
    expect([...histogram.bucket]).toEqual([cpuBucketOf(100), cpuBucketOf(2000)]);
    expect([...histogram.seconds]).toEqual([4, 4]);
  });

  it('uses its arrays again and grows them without leaving anything of the batch before', () => {
    const buffers = new ReportBuffers();
    const many = Array.from({ length: 600 }, (_, index) => rowOf(index + 1, 0.25));
    const first = buffers.columns(many, 15_000, (row) => row.tallies[0]);
    expect(first.reports.values.cpuWindowUs).toHaveLength(600);
    const [one] = many;
    const second = buffers.columns(one ? [one] : [], 15_000, () => undefined);
    expect(second.reports.values.cpuWindowUs).toHaveLength(1);
    expect(second.reports.values.cpuWindowUs?.buffer).toBe(first.reports.values.cpuWindowUs?.buffer);
    expect([second.histogram.row.length, second.reports.values.cpuPeakMillis]).toEqual([0, undefined]);
  });

  it('tells no swap where the node has none, and what is used where it has', () => {
    const row = rowOf(7, 0.5);
    row.sample.swapBytes = MIB;
    const told = (hasSwap: boolean): Float64Array | undefined =>
      new ReportBuffers().columns([row], 15_000, () => undefined, hasSwap).reports.values.swapBytes;
    expect([told(false), told(true)]).toEqual([undefined, new Float64Array([MIB])]);
  });
});
