import { describe, expect, it } from 'vitest';
import { createBodyRooms } from './body-rooms.ts';
import { AT_ONCE_BYTES } from './chunks.ts';

const HALF = Buffer.alloc(AT_ONCE_BYTES / 2, 'x');
const join = (parts: readonly Buffer[], rooms = createBodyRooms()) =>
  rooms.join(
    parts,
    parts.reduce((sum, { length }) => sum + length, 0),
  );

describe('rooms for bodies', () => {
  it('hold the parts one behind the other', () => {
    const parts = ['a', 'bc', 'd'].map((text) => Buffer.from(text.repeat(10_000)));
    expect(join(parts)!.body.equals(Buffer.concat(parts))).toBe(true);
    expect(join([HALF, HALF])!.body).toHaveLength(AT_ONCE_BYTES);
  });

  it('are not used for one part, for little, nor for what is not sent at once', () => {
    expect(join([HALF])).toBeUndefined();
    expect(join([Buffer.from('a'), Buffer.from('b')])).toBeUndefined();
    expect(join([HALF, HALF, Buffer.from('b')])).toBeUndefined();
  });

  it('are lent to one answer at a time, and never more than two', () => {
    const rooms = createBodyRooms();
    const [first, second] = [join([HALF, HALF], rooms)!, join([HALF, HALF], rooms)!];
    expect(first.body.buffer).not.toBe(second.body.buffer);
    expect(join([HALF, HALF], rooms)).toBeUndefined();
    first.done();
    expect(join([HALF, HALF], rooms)!.body.buffer).toBe(first.body.buffer);
    expect(join([HALF, HALF], rooms)).toBeUndefined();
  });
});
