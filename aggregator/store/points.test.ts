import { describe, expect, it } from 'vitest';
import { LEVEL_BOOT_MS, LEVEL_FIELDS, POINT_FIELDS, Points, SEQUENCE, WORKING_SET_BYTES } from './points.ts';

describe('Points', () => {
  it('keeps what is written when it grows, and begins each slot empty', () => {
    const points = new Points(10_000);
    for (let at = 0; at < 5000; at++) {
      const slot = points.allocate(`container ${at}`);
      expect(points.point[slot * POINT_FIELDS + WORKING_SET_BYTES]).toBeNaN();
      expect(points.level[slot * LEVEL_FIELDS + LEVEL_BOOT_MS]).toBeNaN();
      points.point[slot * POINT_FIELDS + WORKING_SET_BYTES] = at;
      points.level[slot * LEVEL_FIELDS + LEVEL_BOOT_MS] = 0 - at;
    }
    for (const slot of [0, 1, 4999]) {
      expect(points.point[slot * POINT_FIELDS + WORKING_SET_BYTES]).toBe(slot);
      expect(points.level[slot * LEVEL_FIELDS + LEVEL_BOOT_MS]).toBe(0 - slot);
    }
    expect(points.size).toBe(5000);
  });

  it('frees a slot with its last holder and gives it out again, empty', () => {
    const points = new Points(10);
    const slot = points.allocate('a');
    points.hold(slot);
    points.point[slot * POINT_FIELDS + SEQUENCE] = 7;
    expect(points.release(slot)).toBe(false);
    expect(points.isLive(slot)).toBe(true);
    expect(points.release(slot)).toBe(true);
    expect(points.isLive(slot)).toBe(false);
    expect(points.allocate('b')).toBe(slot);
    expect(points.point[slot * POINT_FIELDS + SEQUENCE]).toBeNaN();
    expect(points.keyOf(slot)).toBe('b');
  });

  it('has a bound', () => {
    const points = new Points(2);
    expect([points.allocate('a'), points.allocate('b'), points.allocate('c')]).toEqual([0, 1, -1]);
    points.release(0);
    expect(points.allocate('c')).toBe(0);
  });
});
