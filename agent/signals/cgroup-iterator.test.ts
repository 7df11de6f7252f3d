import { describe, expect, it } from 'vitest';
import type { IteratorSample } from '../../native/index.ts';
import { fakeTime } from '../../test/fakes/fake-node.ts';
import type { Sample } from '../cgroup/sample.ts';
import { emptySample } from '../cgroup/sample.ts';
import { CgroupIterator } from './cgroup-iterator.ts';
import { KernelFiles } from './kernel-files.ts';

const MIB = 2 ** 20;
const ID = 77;

/** A cgroup whose CPU time is the clock's, in the kernel and, `filesBehindUs` later, in its files. */
function setUp() {
  const time = fakeTime();
  const kernel = { samples: true, walks: 0, filesBehindUs: 0, bytes: 5 * MIB, fails: false, there: true, gaveUp: '' };
  let walked: Partial<IteratorSample> = {};
  const usageUs = (): number => time.clock.bootTimeMs() * 100;
  const calls = { readFast: 0 };
  const files = {
    readFast(sample: Sample, atBootMs: number): 'ok' {
      calls.readFast++;
      Object.assign(sample, {
        atBootMs,
        cpuUsageUs: usageUs() - kernel.filesBehindUs,
        memoryCurrentBytes: kernel.bytes,
      });
      return 'ok';
    },
    readPressure: () => undefined,
    readStill: () => undefined,
    readSlow: () => undefined,
    readLimits: () => undefined,
    readMemoryStat: () => undefined,
    close: () => undefined,
  };
  const iterator = new CgroupIterator(
    {
      get samples() {
        return kernel.samples;
      },
      walk() {
        if (kernel.fails) throw new Error('no memory');
        kernel.walks++;
        walked = { cpuUsageUs: usageUs(), memoryCurrentBytes: kernel.bytes, memoryLimitBytes: 64 * MIB, eventsMax: 3 };
      },
      sample: (id, into) => kernel.there && id === ID && Boolean(Object.assign(into, walked)),
      giveUpSampling(cause) {
        kernel.samples = false;
        kernel.gaveUp = cause;
      },
    },
    time.clock,
  );
  const told = {
    sample: (_: string, sample: Sample, atBootMs: number, read: typeof files.readFast) =>
      iterator.read(ID, sample, atBootMs, read),
    delays: () => false,
  };
  const open = (): KernelFiles => new KernelFiles(files, 'c', told);
  /** Reads once a second, as a tick does. @returns what was read last */
  const tick = (row: KernelFiles, sample: Sample, seconds: number): Sample => {
    for (let second = 0; second < seconds; second++) {
      time.advance(1000);
      row.readFast(sample, time.clock.bootTimeMs());
    }
    return sample;
  };
  return { time, kernel, calls, iterator, open, tick };
}

describe('the iterator as a sampler', () => {
  it('takes the place of the files once a cgroup is a few readings old, with the instant of its walk', () => {
    const { time, kernel, calls, open, tick } = setUp();
    const [row, sample] = [open(), emptySample()];
    tick(row, sample, 4);
    expect([calls.readFast, kernel.walks]).toEqual([4, 0]);
    tick(row, sample, 20);
    expect(kernel.walks).toBe(20);
    expect(calls.readFast).toBe(4 + 2 * 5); // the comparisons of the first walks
    expect(sample).toMatchObject({
      atBootMs: time.clock.bootTimeMs(),
      cpuUsageUs: time.clock.bootTimeMs() * 100,
      memoryLimitBytes: 64 * MIB,
      eventsMax: 3,
    });
  });

  it('walks once a second, whatever the number of cgroups, and reads none from a walk that is older than its last reading', () => {
    const { time, kernel, calls, open } = setUp();
    const rows = Array.from({ length: 50 }, () => ({ row: open(), sample: emptySample() }));
    for (let slot = 0; slot < 100; slot++) {
      time.advance(100);
      for (const { row, sample } of rows.slice((slot % 10) * 5, (slot % 10) * 5 + 5))
        row.readFast(sample, time.clock.bootTimeMs());
    }
    expect(kernel.walks).toBeGreaterThanOrEqual(6);
    expect(kernel.walks).toBeLessThanOrEqual(10);
    const before = calls.readFast;
    const { row, sample } = rows.at(-1)!;
    time.advance(10);
    row.readFast(sample, time.clock.bootTimeMs());
    expect(calls.readFast).toBe(before + 1);
    expect(sample.atBootMs).toBe(time.clock.bootTimeMs());
  });

  it('is given up, with the fields named, where it says otherwise than the files', () => {
    const { kernel, calls, open, tick } = setUp();
    const [row, sample] = [open(), emptySample()];
    tick(row, sample, 5);
    kernel.filesBehindUs = 50_000;
    tick(row, sample, 10);
    expect(kernel.gaveUp).toMatch(/not the files' \(cpuUsageUs of cgroup 77\)/);
    const [walks, reads] = [kernel.walks, calls.readFast];
    tick(row, sample, 5);
    expect([kernel.walks, calls.readFast]).toEqual([walks, reads + 5]);
  });

  it('leaves a cgroup that it does not find, and everything when its walk fails, to the files', () => {
    const { kernel, calls, open, tick } = setUp();
    const [row, sample] = [open(), emptySample()];
    tick(row, sample, 15);
    kernel.there = false;
    const reads = calls.readFast;
    tick(row, sample, 3);
    expect(calls.readFast).toBe(reads + 3);
    kernel.there = true;
    kernel.fails = true;
    tick(row, sample, 2);
    expect(kernel.gaveUp).toBe('');
    kernel.fails = false;
    tick(row, sample, 1);
    expect(calls.readFast).toBe(reads + 5); // the walk is back
    kernel.fails = true;
    tick(row, sample, 3);
    expect(kernel.gaveUp).toBe('its walk failed: no memory');
    expect(calls.readFast).toBe(reads + 8);
  });

  it('leaves a container near its limit to its files, which know its memory now', () => {
    const { calls, open, tick } = setUp();
    const [row, sample] = [open(), emptySample()];
    tick(row, sample, 15);
    const reads = calls.readFast;
    sample.memoryLimitBytes = 8 * MIB; // of which it uses 5
    tick(row, sample, 3);
    expect(calls.readFast).toBe(reads + 3);
  });

  it.each(['readMemoryStat', 'readStill', 'readSlow'] as const)(
    'has memory read anew by %s, which reads the page cache of now: CPU time stays that of the walk',
    (reader) => {
      const { time, kernel, calls, open, tick } = setUp();
      const [row, late, sample] = [open(), open(), emptySample()];
      tick(late, sample, 6);
      tick(row, emptySample(), 10);
      const walkBootMs = time.clock.bootTimeMs();
      time.advance(500);
      kernel.bytes = 2 * MIB; // a file of 3 MiB was deleted
      late.readFast(sample, time.clock.bootTimeMs());
      expect(sample.memoryCurrentBytes).toBe(5 * MIB);
      late[reader](sample);
      const { atBootMs, cpuUsageUs, memoryCurrentBytes } = sample;
      expect([atBootMs, cpuUsageUs, memoryCurrentBytes]).toEqual([walkBootMs, walkBootMs * 100, 2 * MIB]);
      const reads = calls.readFast;
      late[reader](sample);
      expect(calls.readFast).toBe(reads); // once a reading
    },
  );

  it('is not asked where the files of this very instant are wanted, though its walk is newer than the last reading', () => {
    const { time, kernel, open, tick } = setUp();
    const [row, late, sample] = [open(), open(), emptySample()];
    tick(late, sample, 6);
    tick(row, emptySample(), 10);
    time.advance(500);
    kernel.bytes = 60 * MIB;
    late.readFast(sample, time.clock.bootTimeMs(), true);
    expect(sample).toMatchObject({ atBootMs: time.clock.bootTimeMs(), memoryCurrentBytes: 60 * MIB });
  });

  it('never lets CPU time go back', () => {
    const { time, open, tick } = setUp();
    const [row, sample] = [open(), emptySample()];
    tick(row, sample, 10);
    sample.cpuUsageUs = 1e12; // the files were ahead
    time.advance(1000);
    row.readFast(sample, time.clock.bootTimeMs());
    expect(sample.atBootMs).toBe(time.clock.bootTimeMs());
  });
});
