import { describe, expect, it } from 'vitest';
import { PROC_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { emptySample } from '../cgroup/sample.ts';
import { parseLoadavg } from './loadavg.ts';
import { emptyMeminfo, parseMeminfo } from './meminfo.ts';
import { emptyProcStat, parseProcStat } from './proc-stat.ts';
import { parseVmstat } from './vmstat.ts';

const file = (name: string): Buffer => recorded(PROC_ROOT, name);
const KIB = 1024;

describe('/proc/meminfo', () => {
  it('is read as bytes', () => {
    const meminfo = emptyMeminfo();
    expect(parseMeminfo(file('meminfo'), file('meminfo').length, meminfo)).toBe(0);
    const kib = (name: string): number =>
      Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(file('meminfo').toString())![1]);
    expect(meminfo.memTotalBytes).toBe(kib('MemTotal') * KIB);
    expect(meminfo.anonPagesBytes).toBe(kib('AnonPages') * KIB);
    expect(meminfo.inactiveFileBytes).toBe(kib('Inactive\\(file\\)') * KIB);
    expect(Object.values(meminfo).every((value) => value >= 0)).toBe(true);
  });

  it('survives any damage', () => expect(breakage(file('meminfo'), parseMeminfo, emptyMeminfo)).toBe(''));
});

describe('/proc/stat', () => {
  it('counts the busy time and the CPUs', () => {
    const stat = emptyProcStat();
    expect(parseProcStat(file('stat'), file('stat').length, stat)).toBe(0);
    // cpu  16 0 298 1714 0 0 0 0 0 0
    expect(stat).toEqual({ usageUs: 3_140_000, userUs: 160_000, systemUs: 2_980_000, onlineCpus: 2 });
  });

  it('leaves idle, iowait and guest out, which user has in it already', () => {
    const text = Buffer.from('cpu  1 2 4 800 900 8 16 32 7 0\ncpu0 1 2 4 800 900 8 16 32 7 0\nintr 5\n');
    const stat = emptyProcStat();
    expect(parseProcStat(text, text.length, stat)).toBe(0);
    expect(stat.usageUs).toBe((1 + 2 + 4 + 8 + 16 + 32) * 10_000);
  });

  it('survives any damage', () => expect(breakage(file('stat'), parseProcStat, emptyProcStat)).toBe(''));
});

describe('/proc/loadavg and /proc/vmstat', () => {
  it('give the tasks and the OOM kills of the machine', () => {
    const sample = emptySample();
    expect(parseLoadavg(file('loadavg'), file('loadavg').length, sample)).toBe(0);
    expect(parseVmstat(file('vmstat'), file('vmstat').length, sample)).toBe(0);
    expect(sample).toMatchObject({ pids: 57, eventsOomKill: 1 });
  });

  it('survive any damage', () => {
    expect(breakage(file('loadavg'), parseLoadavg, emptySample)).toBe('');
    expect(breakage(Buffer.from('nr_free_pages 5\noom_kill 3\n'), parseVmstat, emptySample)).toBe('');
  });
});
