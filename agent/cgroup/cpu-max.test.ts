import { describe, expect, it } from 'vitest';
import { UNIFIED_CONTAINER, UNIFIED_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { parseCpuMax } from './cpu-max.ts';
import { emptySample } from './sample.ts';

const file = (name: string): Buffer => recorded(UNIFIED_ROOT, `${UNIFIED_CONTAINER}/${name}`);
const read = (text: string) => {
  const sample = emptySample();
  return {
    malformed: parseCpuMax(Buffer.from(text), text.length, sample),
    quota: sample.cpuQuotaUs,
    period: sample.cpuPeriodUs,
  };
};

describe('cpu.max', () => {
  it('is a quota and a period', () => {
    expect(read(file('cpu.max').toString())).toEqual({ malformed: 0, quota: 20_000, period: 100_000 });
    expect(read('max 100000\n')).toEqual({ malformed: 0, quota: Infinity, period: 100_000 });
  });

  it.each(['', 'max\n', 'max 100000', '0 100000\n', '20000 0\n', '-1 100000\n', '20000 100000 5\n', 'min 100000\n'])(
    'is malformed as %j',
    (text) => expect(read(text)).toEqual({ malformed: 1, quota: NaN, period: NaN }),
  );

  it('survives any damage', () => expect(breakage(file('cpu.max'), parseCpuMax, emptySample)).toBe(''));
});
