// Bytes of a leaf's items, in each encoding that was asked for since a number in it changed. They are let go with the next
// change, so that what a list leaves behind lives no longer than a push interval.
import { crc32 } from 'node:zlib';
import type { Deflate } from './deflater.ts';
import type { Deflated, Encoded, Encoding } from './views.ts';

/** `encoded` and `deflated` are made each when asked for. */
export interface MadeEncoding {
  encoded?: Encoded;
  deflated?: Deflated;
  /** Until when they tell the truth if nothing changes: then the first item is stale. Monotonic ms. */
  readonly validUntilMonoMs: number;
}

export type MadeBytes = { [encoding in Encoding]?: MadeEncoding };

const NOTHING = Buffer.alloc(0);

export async function deflated(deflate: Deflate, bytes: Uint8Array, instants: Float64Array): Promise<Deflated> {
  return { bytes: await deflate(bytes), crc: crc32(bytes), length: bytes.length, instants };
}

/** Of memory of its own: a slice of Node's shared pool would keep its neighbours alive. */
export function copyOf(bytes: Buffer, length: number, room = length): Buffer {
  if (length === 0) return NOTHING;
  const copy = Buffer.allocUnsafeSlow(room);
  bytes.copy(copy, 0, 0, length);
  return copy.subarray(0, length);
}

/**
 * Memory of a leaf's last bytes. A list of all pods takes 12 MB: as garbage it would make the collector run after every few
 * lists, which costs more than the lists. Held weakly: when the collector runs anyway, it takes what nobody uses.
 */
export interface SpareBytes {
  readonly encoded: WeakRef<Encoded>;
}

/** Numbers grow by digits: so much more than now is needed. */
const HEADROOM = 1 / 16;

/** What is in `scratch`, in the spare memory where it is free and fits. */
export function encodedIn(
  spare: SpareBytes | undefined,
  scratch: Buffer,
  length: number,
  instants: Float64Array,
): Encoded {
  const last = spare?.encoded.deref();
  const room = last?.bytes.buffer.byteLength ?? 0;
  if (last === undefined || last.users > 0 || length === 0 || length > room || length < room / 2)
    return { bytes: copyOf(scratch, length, Math.ceil(length * (1 + HEADROOM))), instants, users: 0 };
  const bytes = Buffer.from(last.bytes.buffer, 0, length);
  scratch.copy(bytes, 0, 0, length);
  return { bytes, instants, users: 0 };
}
