import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { TIME_BYTES, timeText, writeTime } from './time-text.ts';

it('cuts a time off to whole seconds', () => {
  expect(timeText(Date.parse('2025-01-09T13:45:39.999Z'))).toBe('2025-01-09T13:45:39Z');
});

it('tells every second right, whatever was asked for before', () => {
  fc.assert(
    fc.property(fc.nat(4_000_000_000_000), (wallMs) => {
      expect(timeText(wallMs)).toBe(`${new Date(wallMs).toISOString().slice(0, 19)}Z`);
    }),
    { numRuns: 1000 },
  );
});

it('always takes the same room', () => {
  const out = Buffer.alloc(64);
  for (const wallMs of [-1, 0, 253_402_300_799_999, 1e18]) {
    expect(writeTime(out, 3, wallMs)).toBe(3 + TIME_BYTES);
    expect(out.toString('latin1', 3, 3 + TIME_BYTES)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  }
});
