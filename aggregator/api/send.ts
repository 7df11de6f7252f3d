// An answer onto the connection: length known beforehand, back-pressure obeyed, gzip for large answers.
// Contract: k8s.io/apiserver endpoints/handlers/responsewriters: gzip level 1 from 128 KiB on, where the client takes it.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Answer } from './answer.ts';

const GZIP_FROM_BYTES = 128 * 1024;
const GZIP_LEVEL = 1;
/** A client that has not taken its answer by then is cut off; what the answer holds is freed. */
const SEND_TIMEOUT_MS = 60_000;
const AUDIT_ID = /^[\w-]{1,64}$/;

/** Ends when the answer was handed over or the client is gone; throws neither way. */
export async function send(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const { code, contentType, chunks, headers } = answer;
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const gzip = bytes >= GZIP_FROM_BYTES && takesGzip(request.headers['accept-encoding']);
  response.writeHead(code, {
    'Audit-Id': auditId(request.headers['audit-id']),
    'Cache-Control': 'no-cache, private',
    'Content-Type': contentType,
    ...(gzip ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : { 'Content-Length': bytes }),
    ...headers,
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  if (chunks.length === 1 && !gzip) {
    response.end(chunks[0]);
    return;
  }
  const timer = setTimeout(() => response.destroy(), SEND_TIMEOUT_MS);
  try {
    if (gzip) await pipeline(Readable.from(chunks), createGzip({ level: GZIP_LEVEL }), response);
    else await sendChunks(response, chunks);
  } catch {
    response.destroy(); // the client went away
  } finally {
    clearTimeout(timer);
  }
}

async function sendChunks(response: ServerResponse, chunks: readonly Buffer[]): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for (const chunk of chunks) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await once(response, 'drain', { signal: gone.signal });
  }
  response.end();
}

function takesGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? '').split(',').some((coding) => {
    const [name = '', quality = 'q=1'] = coding.split(';').map((part) => part.trim().toLowerCase());
    return name === 'gzip' && Number(quality.slice('q='.length)) !== 0;
  });
}

/** The front proxy's, so that both logs speak of the same request, else a new one. */
function auditId(given: string | string[] | undefined): string {
  return typeof given === 'string' && AUDIT_ID.test(given) ? given : randomUUID();
}
