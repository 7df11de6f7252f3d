import { describe, expect, it } from 'vitest';
import { UNIFIED_CONTAINER, UNIFIED_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { parseCpuStat } from './cpu-stat.ts';
import { emptySample } from './sample.ts';

const file = (name: string): Buffer => recorded(UNIFIED_ROOT, `${UNIFIED_CONTAINER}/${name}`);

describe('cpu.stat', () => {
  it('has usage and throttling', () => {
    const sample = emptySample();
    expect(parseCpuStat(file('cpu.stat'), file('cpu.stat').length, sample)).toBe(0);
    expect(sample).toMatchObject({
      cpuUsageUs: 1581270,
      cpuUserUs: 139395,
      cpuSystemUs: 1441875,
      periods: 31,
      throttledPeriods: 29,
      throttledUs: 5051631,
    });
  });

  it('has no throttling without the cpu controller, and that is no problem', () => {
    const text = Buffer.from('usage_usec 5\nuser_usec 3\nsystem_usec 2\n');
    const sample = { ...emptySample(), periods: 7 };
    expect(parseCpuStat(text, text.length, sample)).toBe(0);
    expect(sample).toMatchObject({ cpuUsageUs: 5, periods: NaN, throttledUs: NaN });
  });

  it('survives any damage', () => expect(breakage(file('cpu.stat'), parseCpuStat, emptySample)).toBe(''));
});
