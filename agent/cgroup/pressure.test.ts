import { describe, expect, it } from 'vitest';
import { UNIFIED_CONTAINER, UNIFIED_ROOT, breakage, recorded } from '../../test/fixtures/cgroup/recorded.ts';
import { parsePressure } from './pressure.ts';

const file = (name: string): Buffer => recorded(UNIFIED_ROOT, `${UNIFIED_CONTAINER}/${name}`);
const totals = (text: string | Buffer) => {
  const into = { someUs: 1, fullUs: 1 };
  return { malformed: parsePressure(Buffer.from(text), text.length, into), ...into };
};

describe('pressure files', () => {
  it('have two totals in µs', () => {
    expect(totals(file('cpu.pressure'))).toEqual({ malformed: 0, someUs: 2644146, fullUs: 2643662 });
  });

  it('may have no full line', () => {
    expect(totals('some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n')).toEqual({
      malformed: 0,
      someUs: 9,
      fullUs: NaN,
    });
  });

  it('lose only the line that is malformed or cut off', () => {
    const some = 'some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n';
    for (const full of [
      'full avg10=0.00 avg60=0.00 avg300=0.00 total=-1\n',
      'full avg10=0.00 avg60=0.00 avg300=0.00 total=12',
    ]) {
      expect(totals(some + full)).toEqual({ malformed: 1, someUs: 9, fullUs: NaN });
    }
  });

  it('survive any damage', () =>
    expect(breakage(file('cpu.pressure'), parsePressure, () => ({ someUs: NaN, fullUs: NaN }))).toBe(''));
});
