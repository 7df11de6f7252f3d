// The body of a write: JSON, bounded. Contract: kube-apiserver's request body limit of 3 MiB.
import type { IncomingMessage } from 'node:http';
import { badRequest, Refusal, unsupportedMediaType } from './status.ts';

const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** @returns undefined for an empty body @throws Refusal 400, 413 or 415 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new Refusal(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY_BYTES}`);
    }
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  const media = (request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim();
  if (!/^application\/(json|[\w.-]+\+json)$/.test(media) && request.method !== 'PATCH') {
    throw unsupportedMediaType(['application/json']);
  }
  // A patch in YAML or protobuf is told apart later, by its Content-Type.
  if (request.method === 'PATCH' && !media.endsWith('+json')) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw badRequest(`the body is no JSON: ${(error as Error).message}`);
  }
}
