// A body as a few large buffers: each chunk becomes TLS records and system calls of its own, so that small ones are put together.

const MIN_CHUNK_BYTES = 64 * 1024;

export interface ChunkList {
  add(bytes: Buffer): void;
  addText(text: string): void;
  /** Ends the list. */
  chunks(): readonly Buffer[];
}

export function createChunkList(): ChunkList {
  const ready: Buffer[] = [];
  let small: Buffer[] = [];
  let smallBytes = 0;
  const join = (): void => {
    if (small.length > 0) ready.push(small.length === 1 ? small[0]! : Buffer.concat(small, smallBytes));
    small = [];
    smallBytes = 0;
  };
  const add = (bytes: Buffer): void => {
    if (bytes.length >= MIN_CHUNK_BYTES) {
      join();
      ready.push(bytes);
      return;
    }
    small.push(bytes);
    smallBytes += bytes.length;
    if (smallBytes >= MIN_CHUNK_BYTES) join();
  };
  return {
    add,
    addText: (text) => add(Buffer.from(text)),
    chunks: () => {
      join();
      return ready;
    },
  };
}
