// An answer onto the connection: length known beforehand, back-pressure obeyed, gzip for large answers.
// Contract: k8s.io/apiserver endpoints/handlers/responsewriters: gzip level 1 for more than 128 KiB, where the client takes it.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Deflater } from '../store/deflater.ts';
import { deflated } from '../store/made-bytes.ts';
import type { Deflated } from '../store/views.ts';
import type { Answer } from './answer.ts';
import { createBodyRooms } from './body-rooms.ts';
import { AT_ONCE_BYTES, bytesOf } from './chunks.ts';
import { GZIP_FROM_BYTES, gzipBody, takesGzip } from './gzip.ts';

const NOT_MODIFIED = 304;
const PIECE_BYTES = 256 * 1024;
/** Handed over at once and not yet taken, by all clients together. */
const MOST_AT_ONCE_BYTES = 8 * 1024 * 1024;
let atOnceBytes = 0;
const rooms = createBodyRooms();
/** One for all answers, one piece at a time: what it needs does not grow with those who ask, nor does its share of the thread pool. */
const deflater = new Deflater();
const NO_INSTANTS = new Float64Array(0);
/** A client that has not taken its answer by then is cut off; what the answer holds is freed. */
const SEND_TIMEOUT_MS = 60_000;
const AUDIT_ID = /^[\w-]{1,64}$/;

/** Ends when the answer was handed over or the client is gone (a small one goes on by itself); throws neither way. */
export async function send(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const { code, contentType, headers } = answer;
  const { chunks, coding } = await compressedIfBig(request, answer);
  const bytes = bytesOf(chunks);
  response.writeHead(code, {
    'Audit-Id': auditId(request.headers['audit-id']),
    'Cache-Control': 'no-cache, private',
    ...(contentType === '' ? {} : { 'Content-Type': contentType }),
    'Content-Length': bytes,
    ...(coding === undefined ? {} : { 'Content-Encoding': coding }),
    ...headers,
    ...(coding === undefined ? {} : { Vary: varyOf(headers) }),
  });
  if (request.method === 'HEAD' || code === NOT_MODIFIED) {
    response.end();
    return;
  }
  if (chunks.length === 1 && !answer.done) {
    response.end(chunks[0]);
    return;
  }
  const timer = setTimeout(() => request.socket.destroy(), SEND_TIMEOUT_MS);
  const taken = ended(request, response);
  try {
    await (mayGoAtOnce(bytes) ? sendAtOnce(response, chunks, taken) : sendChunks(response, chunks, taken));
    await taken;
  } catch {
    request.socket.destroy(); // the client went away
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Nothing of the answer is read any more: it was handed over, or the connection is gone, perhaps since before the answer was made. An
 * answer that waits behind another on its connection (HTTP pipelining) hears nothing of the connection's end: the request's socket does.
 */
function ended({ socket }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (response.destroyed || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('close', settle);
      resolve();
    };
    response.once('finish', settle);
    response.once('close', settle);
    socket.once('close', settle);
  });
}

type Body = Pick<Answer, 'chunks' | 'coding'>;

/** Piece by piece, so that pushes get their turn. */
async function compressedIfBig(request: IncomingMessage, { chunks, coding }: Answer): Promise<Body> {
  if (coding !== undefined || bytesOf(chunks) <= GZIP_FROM_BYTES) return { chunks, ...(coding ? { coding } : {}) };
  if (!takesGzip(request.headers['accept-encoding'])) return { chunks };
  const pieces: Deflated[] = [];
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const piece = chunk.subarray(at, at + PIECE_BYTES);
      pieces.push(await deflater.turn((deflate) => deflated(deflate, piece, NO_INSTANTS)));
    }
  }
  return { chunks: gzipBody(pieces), coding: 'gzip' };
}

function varyOf(headers: Answer['headers']): string {
  const other = headers?.['Vary'];
  return other === undefined ? 'Accept-Encoding' : `${other}, Accept-Encoding`;
}

/** Clients that don't read would otherwise have a megabyte held for each of them. */
function mayGoAtOnce(bytes: number): boolean {
  return bytes <= AT_ONCE_BYTES && atOnceBytes + bytes <= MOST_AT_ONCE_BYTES;
}

/** Ends when it was taken. */
async function sendAtOnce(response: ServerResponse, chunks: readonly Buffer[], taken: Promise<void>): Promise<void> {
  const bytes = bytesOf(chunks);
  atOnceBytes += bytes;
  const joined = rooms.join(chunks, bytes);
  try {
    if (joined) {
      // What is written together with the headers is copied together with them.
      response.flushHeaders();
      response.end(joined.body);
    } else {
      for (const chunk of chunks) response.write(chunk);
      response.end();
    }
    await taken;
  } finally {
    atOnceBytes -= bytes;
    joined?.done();
  }
}

async function sendChunks(response: ServerResponse, chunks: readonly Buffer[], taken: Promise<void>): Promise<void> {
  const gone = new AbortController();
  void taken.then(() => gone.abort());
  for (const chunk of chunks) {
    if (gone.signal.aborted) return;
    if (!response.write(chunk)) await once(response, 'drain', { signal: gone.signal });
  }
  response.end();
}

/** The front proxy's, so that both logs speak of the same request, else a new one. */
function auditId(given: string | string[] | undefined): string {
  return typeof given === 'string' && AUDIT_ID.test(given) ? given : randomUUID();
}
