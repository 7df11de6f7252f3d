import { describe, expect, it } from 'vitest';
import { UNIFIED_CONTAINER, UNIFIED_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { parseMemoryStat } from './memory-stat.ts';
import { emptySample } from './sample.ts';

const file = (name: string): Buffer => recorded(UNIFIED_ROOT, `${UNIFIED_CONTAINER}/${name}`);

describe('memory.stat', () => {
  it('has what the working set needs', () => {
    const sample = emptySample();
    expect(parseMemoryStat(file('memory.stat'), file('memory.stat').length, sample)).toBe(0);
    expect(sample).toMatchObject({
      anonBytes: 339968,
      shmemBytes: 51380224,
      inactiveFileBytes: 0,
      activeFileBytes: 0,
      hotRefaultsFile: 0,
    });
  });

  it('survives any damage', () => expect(breakage(file('memory.stat'), parseMemoryStat, emptySample)).toBe(''));
});
