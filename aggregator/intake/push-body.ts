// A push's body, whole or not at all: bounded by itself and together with all others that are being received.
import type { IncomingMessage } from 'node:http';
import { MAX_BATCH_BYTES } from '../../agent/protocol/bounds.ts';

export type PushBody =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'too_large' }
  /** Other bodies take up all the room. */
  | { readonly kind: 'overloaded' }
  /** The sender went away. */
  | { readonly kind: 'aborted' };

/** Bytes of bodies that are being received, over all connections. */
export interface Room {
  takenBytes: number;
  readonly maxBytes: number;
}

/** Never rejects. Stops reading at the bound; the caller has to answer and close. */
export function readBody(request: IncomingMessage, room: Room, maxBytes = MAX_BATCH_BYTES): Promise<PushBody> {
  if (Number(request.headers['content-length']) > maxBytes) return Promise.resolve({ kind: 'too_large' });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (body: PushBody): void => {
      room.takenBytes -= length;
      length = 0;
      request.off('data', take).off('end', end).off('close', abort).off('error', abort);
      request.on('error', ignore); // a reset after the answer is nobody's business
      if (body.kind !== 'body') request.pause();
      resolve(body);
    };
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      room.takenBytes += chunk.length;
      if (length > maxBytes) finish({ kind: 'too_large' });
      else if (room.takenBytes > room.maxBytes) finish({ kind: 'overloaded' });
    };
    const end = (): void =>
      finish({ kind: 'body', bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length) });
    const abort = (): void => finish({ kind: 'aborted' });
    request.on('data', take).on('end', end).on('close', abort).on('error', abort);
  });
}

function ignore(): void {
  // see above
}
