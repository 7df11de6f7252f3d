import { describe, expect, it } from 'vitest';
import { cpuUsedOver, durationMs, workingSetAt } from './counted.ts';

const START_MS = Date.parse('2026-11-23T12:00:00Z');
/** A quarter of a core, and a byte more each reading. */
const counted = Array.from({ length: 300 }, (_, index) => ({
  atMs: START_MS + index * 100,
  cpuUsageUs: index * 25_000,
  workingSetBytes: 1000 + index,
}));

describe('the kernel’s counts', () => {
  it('give the CPU used over the window that ends at a timestamp', () => {
    expect(cpuUsedOver(counted, '2026-11-23T12:00:20Z', '15s')).toBeCloseTo(0.25, 6);
    expect(cpuUsedOver(counted, '2026-11-23T12:00:20.250Z', '15.05s')).toBeCloseTo(0.25, 6);
  });

  it('give the working set nearest to the timestamp', () => {
    expect(workingSetAt(counted, '2026-11-23T12:00:10.010Z')).toBe(1100);
  });

  it('do not answer for a window that they do not cover', () => {
    expect(() => cpuUsedOver(counted, '2026-11-23T12:00:10Z', '15s')).toThrow(/no readings around/);
  });

  it('read Go durations and refuse anything else', () => {
    expect(durationMs('1m0.5s')).toBe(60_500);
    expect(durationMs('15.000s')).toBe(15_000);
    expect(() => durationMs('15')).toThrow(/not a duration/);
  });
});
