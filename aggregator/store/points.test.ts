import { describe, expect, it } from 'vitest';
import { Points } from './points.ts';

describe('Points', () => {
  it('keeps what is written when it grows, and begins each slot empty', () => {
    const points = new Points(10_000);
    for (let at = 0; at < 5000; at++) {
      const slot = points.allocate(`container ${at}`);
      expect(points.column.workingSetBytes[slot]).toBeNaN();
      points.column.workingSetBytes[slot] = at;
    }
    expect(points.column.workingSetBytes[0]).toBe(0);
    expect(points.column.workingSetBytes[4999]).toBe(4999);
    expect(points.size).toBe(5000);
  });

  it('frees a slot with its last holder and gives it out again, empty', () => {
    const points = new Points(10);
    const slot = points.allocate('a');
    points.hold(slot);
    points.column.sequence[slot] = 7;
    expect(points.release(slot)).toBe(false);
    expect(points.isLive(slot)).toBe(true);
    expect(points.release(slot)).toBe(true);
    expect(points.isLive(slot)).toBe(false);
    expect(points.allocate('b')).toBe(slot);
    expect(points.column.sequence[slot]).toBeNaN();
    expect(points.keyOf(slot)).toBe('b');
  });

  it('has a bound', () => {
    const points = new Points(2);
    expect([points.allocate('a'), points.allocate('b'), points.allocate('c')]).toEqual([0, 1, -1]);
    points.release(0);
    expect(points.allocate('c')).toBe(0);
  });
});
