// Memory that answers of several parts are put together in, lent from answer to answer. Node would put them together itself, with the
// headers, in memory that it takes from the system and gives back: 590 KB are 148 page faults, a fifth of what a list of 1,500 pods costs.
import { AT_ONCE_BYTES } from './chunks.ts';

/** From here on the allocator takes pages of their own (`AGGREGATOR_ENVIRONMENT`). */
const ROOM_FROM_BYTES = 16 * 1024;
/** An answer that goes at once has its room for a turn or two of the event loop. */
const ROOMS = 2;

/** The parts in one piece, in memory that is lent until `done`. */
export interface Joined {
  readonly body: Buffer;
  done(): void;
}

export interface BodyRooms {
  /** Undefined: it needs none, or it is too large, or all are lent. */
  join(parts: readonly Buffer[], bytes: number): Joined | undefined;
}

export function createBodyRooms(): BodyRooms {
  const free: Buffer[] = [];
  let lent = 0;
  return {
    join(parts, bytes) {
      if (parts.length < 2 || bytes < ROOM_FROM_BYTES || bytes > AT_ONCE_BYTES) return undefined;
      if (lent === ROOMS) return undefined;
      lent++;
      // Untouched pages of it cost nothing.
      const room = free.pop() ?? Buffer.allocUnsafeSlow(AT_ONCE_BYTES);
      let at = 0;
      for (const part of parts) at += part.copy(room, at);
      return {
        body: room.subarray(0, at),
        done() {
          lent--;
          free.push(room);
        },
      };
    },
  };
}
