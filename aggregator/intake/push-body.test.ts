import { PassThrough } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { readBody } from './push-body.ts';

function incoming(headers: Readonly<Record<string, string>> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage;
}

describe('readBody', () => {
  it('puts the pieces together and gives the room back', async () => {
    const room = { takenBytes: 0, maxBytes: 100 };
    const request = incoming();
    const read = readBody(request, room, 10);
    request.write('abc');
    request.end('def');
    expect(await read).toEqual({ kind: 'body', bytes: Buffer.from('abcdef') });
    expect(room.takenBytes).toBe(0);
  });

  it('stops at the bound of one body', async () => {
    const room = { takenBytes: 0, maxBytes: 100 };
    const request = incoming();
    const read = readBody(request, room, 10);
    request.write(Buffer.alloc(6));
    request.write(Buffer.alloc(6));
    expect(await read).toEqual({ kind: 'too_large' });
    expect(request.isPaused()).toBe(true);
    expect(room.takenBytes).toBe(0);
  });

  it('does not begin with a body that says it is too large', async () => {
    expect(await readBody(incoming({ 'content-length': '11' }), { takenBytes: 0, maxBytes: 100 }, 10)).toEqual({
      kind: 'too_large',
    });
  });

  it('refuses when all bodies together take up the room', async () => {
    const room = { takenBytes: 95, maxBytes: 100 };
    const request = incoming();
    const read = readBody(request, room, 10);
    request.write(Buffer.alloc(6));
    expect(await read).toEqual({ kind: 'overloaded' });
    expect(room.takenBytes).toBe(95);
  });

  it('ends when the sender goes away', async () => {
    const room = { takenBytes: 0, maxBytes: 100 };
    const request = incoming();
    const read = readBody(request, room, 10);
    request.write('abc');
    request.destroy(new Error('reset'));
    expect(await read).toEqual({ kind: 'aborted' });
    expect(room.takenBytes).toBe(0);
  });
});
