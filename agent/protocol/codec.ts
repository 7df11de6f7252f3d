// The two forms of a batch on the wire, chosen by media type. The contract is docs/protocol.md.
import type { Batch } from './batch.ts';
import { BATCH_BINARY_V1, BATCH_JSON_V1 } from './batch.ts';
import { decodeBinary, encodeBinary } from './binary-codec.ts';
import type { Wanted } from './binary-reports.ts';
import { MAX_BATCH_BYTES } from './bounds.ts';
import { decodeJson, encodeJson } from './json-codec.ts';
import type { Refused } from './refusal.ts';
import { Refusal, refusedOr } from './refusal.ts';

export type BatchMediaType = typeof BATCH_BINARY_V1 | typeof BATCH_JSON_V1;

/** What a receiver of this version takes, the preferred one first. */
export const ACCEPTED_BATCHES: readonly BatchMediaType[] = [BATCH_BINARY_V1, BATCH_JSON_V1];

export type DecodedBatch = { readonly kind: 'batch'; readonly batch: Batch } | Refused;

/** The bytes are the caller's own. Columns are rounded to whole units and may lose values that can't be sent (wire-values.ts). */
export function encodeBatch(batch: Batch, mediaType: BatchMediaType): Uint8Array {
  return mediaType === BATCH_JSON_V1 ? encodeJson(batch) : encodeBinary(batch);
}

/**
 * Never throws, whatever `body` holds, and keeps no reference to it. `body` may have at most MAX_BATCH_BYTES.
 *
 * Memory: counts are compared with bounds.ts and with the bytes that are left before anything is allocated for them.
 * Typed arrays take at most 64 bytes for each byte of the body (a row of a column costs at least a bit) and at most 2.8 MiB
 * in all: 23 columns × 8192 rows × 8 bytes, 8192 refs × 4, 131,072 histogram entries × 10. Strings take at most 2 bytes for
 * each byte of the body. The JSON form also pays JSON.parse's tree: at most 65,536 objects and arrays, and up to 14 bytes (measured)
 * for each byte of the body, while it runs.
 *
 * @param wanted of the binary form: less may be read, and then less be found wrong
 */
export function decodeBatch(body: Uint8Array, mediaType: string, wanted: Wanted = {}): DecodedBatch {
  const decoded = refusedOr((): DecodedBatch => {
    const type = bareMediaType(mediaType);
    if (type !== BATCH_BINARY_V1 && type !== BATCH_JSON_V1)
      throw new Refusal('unsupported_version', `no batch of media type "${type.slice(0, 100)}" is taken here`);
    if (body.length > MAX_BATCH_BYTES)
      throw new Refusal('too_large', `batch: ${body.length} bytes are above the bound of ${MAX_BATCH_BYTES}`);
    return { kind: 'batch', batch: type === BATCH_JSON_V1 ? decodeJson(body) : decodeBinary(body, wanted) };
  });
  return decoded.kind === 'refused' && decoded.code === 'unsupported_version'
    ? { ...decoded, accepts: ACCEPTED_BATCHES }
    : decoded;
}

/** Without parameters (`; charset=utf-8`), which are ignored. */
function bareMediaType(mediaType: string): string {
  return mediaType.split(';', 1)[0]!.trim().toLowerCase();
}
