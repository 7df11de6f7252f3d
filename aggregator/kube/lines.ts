// A watch's body is one JSON object a line. Lines are cut from chunks with a bound, so that a broken server can't fill memory.

/** Thrown when a line, or a body that is read as a whole, is longer than allowed. */
export class TooLong extends Error {}

const NEWLINE = 10;
const FIRST_BODY_BYTES = 256 * 1024;

/** Whole lines only, valid until the next: what follows the last newline when the stream ends was cut off, and is dropped. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let heldBytes = 0;
  const hold = (part: Uint8Array): void => {
    heldBytes += part.length;
    if (heldBytes > maxBytes) throw new TooLong(`a line is longer than ${maxBytes} bytes`);
    parts.push(part);
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, end));
      const line = asBuffer(parts.length === 1 ? parts[0]! : Buffer.concat(parts, heldBytes));
      parts = [];
      heldBytes = 0;
      from = end + 1;
      if (!isBlank(line)) yield line;
    }
    if (from < chunk.length) hold(chunk.subarray(from));
  }
}

/**
 * Bodies as a whole, one after the other in the same memory: chunks are copied as they come and die young. Kept until a body's
 * end they would grow old together, and leave holes all over the heap.
 */
export class WholeBody {
  readonly #maxBytes: number;
  #bytes = Buffer.alloc(0);

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns the body, valid until the next @throws TooLong */
  async read(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
    let length = 0;
    for await (const chunk of chunks) {
      if (length + chunk.length > this.#maxBytes) throw new TooLong(`a body is longer than ${this.#maxBytes} bytes`);
      if (length + chunk.length > this.#bytes.length) this.#grow(length, chunk.length);
      this.#bytes.set(chunk, length);
      length += chunk.length;
    }
    return this.#bytes.subarray(0, length);
  }

  #grow(used: number, more: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(FIRST_BODY_BYTES, (used + more) * 2)));
    this.#bytes.copy(grown, 0, 0, used);
    this.#bytes = grown;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isBlank(line: Uint8Array): boolean {
  return line.length < 3 && line.every((byte) => byte <= 0x20);
}
