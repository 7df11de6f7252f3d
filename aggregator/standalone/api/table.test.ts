import { describe, expect, it } from 'vitest';
import { age } from './table.ts';

describe('age', () => {
  it.each([
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [185, '3m5s'],
    [15 * 60, '15m'],
    [3 * 3600, '3h'],
    [4 * 3600 + 300, '4h5m'],
    [30 * 3600, '30h'],
    [50 * 3600, '2d2h'],
    [12 * 86_400, '12d'],
    [800 * 86_400, '2y70d'],
    [-5, '0s'],
  ])('of %i seconds is %s', (seconds, text) => {
    expect(age('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:00Z') + seconds * 1000)).toBe(text);
  });

  it('of what is no time is unknown', () => {
    expect(age('', 0)).toBe('<unknown>');
  });
});
