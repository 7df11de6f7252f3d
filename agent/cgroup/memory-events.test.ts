import { describe, expect, it } from 'vitest';
import { UNIFIED_CONTAINER, UNIFIED_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { parseMemoryEvents } from './memory-events.ts';
import { emptySample } from './sample.ts';

const file = (name: string): Buffer => recorded(UNIFIED_ROOT, `${UNIFIED_CONTAINER}/${name}`);

describe('memory.events', () => {
  it('counts high, max, oom and kills', () => {
    const sample = emptySample();
    expect(parseMemoryEvents(file('memory.events'), file('memory.events').length, sample)).toBe(0);
    expect(sample).toMatchObject({ eventsHigh: 104, eventsMax: 36, eventsOom: 1, eventsOomKill: 1 });
  });

  it('survives any damage', () => expect(breakage(file('memory.events'), parseMemoryEvents, emptySample)).toBe(''));
});
