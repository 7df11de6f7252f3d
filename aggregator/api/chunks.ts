// A body as the buffers that are written to the connection.

/** So much is written without waiting for the client between chunks; waiting takes more than what is held until it has taken them. */
export const AT_ONCE_BYTES = 1024 * 1024;
const MIN_CHUNK_BYTES = 64 * 1024;

/**
 * What is written at once the connection puts together by itself. Of a larger body each chunk becomes TLS records and system calls of
 * its own, so that small parts are put together here.
 */
export function chunksOf(parts: readonly Buffer[]): readonly Buffer[] {
  return bytesOf(parts) <= AT_ONCE_BYTES ? parts : joined(parts);
}

export function bytesOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function joined(parts: readonly Buffer[]): readonly Buffer[] {
  const chunks: Buffer[] = [];
  let small: Buffer[] = [];
  let smallBytes = 0;
  const join = (): void => {
    if (small.length > 0) chunks.push(small.length === 1 ? small[0]! : Buffer.concat(small, smallBytes));
    small = [];
    smallBytes = 0;
  };
  for (const part of parts) {
    if (part.length >= MIN_CHUNK_BYTES) {
      join();
      chunks.push(part);
      continue;
    }
    small.push(part);
    smallBytes += part.length;
    if (smallBytes >= MIN_CHUNK_BYTES) join();
  }
  join();
  return chunks;
}
