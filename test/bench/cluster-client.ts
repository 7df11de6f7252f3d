// Reads of the aggregator over one kept TLS connection with a client certificate, each answer counted and checked.
import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { gunzipSync } from 'node:zlib';

export interface Read {
  readonly path: string;
  readonly accept?: string;
  readonly gzip?: boolean;
}

export interface Got {
  readonly status: number;
  readonly body: Buffer;
  readonly tookMs: number;
}

export interface Reader {
  get(read: Read): Promise<Got>;
  close(): void;
}

/** Nothing came or went in this time. */
const SILENT_MS = 60_000;

export function createReader(
  port: number,
  tls: { readonly ca: string; readonly cert: string; readonly key: string },
): Reader {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...tls });
  return {
    async get({ path, accept, gzip }) {
      const beganMs = performance.now();
      const headers = { ...(accept === undefined ? {} : { accept }), ...(gzip ? { 'accept-encoding': 'gzip' } : {}) };
      const request = httpsRequest({ agent, host: '127.0.0.1', port, path, headers, timeout: SILENT_MS });
      request.once('timeout', () => request.destroy(new Error(`${path}: no answer within ${SILENT_MS} ms`)));
      request.end();
      const [response] = (await once(request, 'response')) as [
        AsyncIterable<Buffer> & { readonly statusCode?: number },
      ];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const tookMs = performance.now() - beganMs;
      return { status: response.statusCode ?? 0, body: Buffer.concat(chunks), tookMs };
    },
    close: () => agent.destroy(),
  };
}

/** How many items a list of JSON has; -1: none that can be read. */
export function countItems(body: Buffer, gzip = false): number {
  try {
    const list = JSON.parse((gzip ? gunzipSync(body) : body).toString()) as { items?: unknown[] };
    return list.items?.length ?? -1;
  } catch {
    return -1;
  }
}
