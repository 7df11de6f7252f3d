import { describe, expect, it } from 'vitest';
import { HYBRID_CONTAINER, HYBRID_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import type { FileParser } from './reading.ts';
import { emptySample } from './sample.ts';
import { parseV1Blkio } from './v1-blkio.ts';
import { parseV1CpuStat } from './v1-cpu-stat.ts';
import { parseV1MemoryStat } from './v1-memory-stat.ts';
import { parseV1OomControl } from './v1-oom-control.ts';

const file = (controller: string, name: string): Buffer =>
  recorded(HYBRID_ROOT, `${controller}/${HYBRID_CONTAINER}/${name}`);
const BLKIO = Buffer.from(
  '8:16 Read 4096\n8:16 Write 512\n8:16 Sync 0\n8:16 Async 4608\n8:16 Discard 0\n8:16 Total 4608\n' +
    '8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 4611\n',
);

function parsed(parse: FileParser, bytes: Buffer) {
  const sample = emptySample();
  return { malformed: parse(bytes, bytes.length, sample), ...sample };
}

describe('cgroup v1', () => {
  it('memory.stat gives the totals with the children', () => {
    expect(parsed(parseV1MemoryStat, file('memory', 'memory.stat'))).toMatchObject({
      malformed: 0,
      anonBytes: 16453632,
      shmemBytes: 0,
      inactiveFileBytes: 94208,
      activeFileBytes: 29892608,
      swapBytes: 0,
    });
  });

  it('cpu.stat gives throttling, its ns as µs', () => {
    expect(parsed(parseV1CpuStat, file('cpu', 'cpu.stat'))).toMatchObject({
      malformed: 0,
      periods: 61,
      throttledPeriods: 60,
      throttledUs: 4031754,
    });
  });

  it('memory.oom_control gives the kills', () => {
    expect(parsed(parseV1OomControl, file('memory', 'memory.oom_control'))).toMatchObject({
      malformed: 0,
      eventsOomKill: 1,
    });
  });

  it('blkio is summed over the devices, without the totals', () => {
    expect(parsed(parseV1Blkio, BLKIO)).toMatchObject({ malformed: 0, ioReadBytes: 4097, ioWriteBytes: 514 });
  });

  it('blkio without a device says nothing: this kernel counts only where a throttle is set', () => {
    const bytes = file('blkio', 'blkio.throttle.io_service_bytes_recursive');
    expect(bytes.toString()).toBe('Total 0\n');
    expect(parsed(parseV1Blkio, bytes)).toMatchObject({ malformed: 0, ioReadBytes: NaN, ioWriteBytes: NaN });
  });

  it.each([
    ['memory.stat', file('memory', 'memory.stat'), parseV1MemoryStat],
    ['cpu.stat', file('cpu', 'cpu.stat'), parseV1CpuStat],
    ['memory.oom_control', file('memory', 'memory.oom_control'), parseV1OomControl],
    ['blkio', BLKIO, parseV1Blkio],
  ] as const)('%s survives any damage', (_name, bytes, parse) => expect(breakage(bytes, parse, emptySample)).toBe(''));
});
