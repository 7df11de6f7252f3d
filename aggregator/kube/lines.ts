// A watch's body is one JSON object a line. Lines are cut from chunks with a bound, so that a broken server can't fill memory.

/** Thrown when a line is longer than allowed. */
export class LineTooLong extends Error {}

/** Whole lines only: what follows the last newline when the stream ends was cut off, and is dropped. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const tail = chunk.subarray(from, end);
      if (heldBytes + tail.length > maxBytes) throw new LineTooLong(`a line is longer than ${maxBytes} bytes`);
      const line = Buffer.concat([...parts, tail]).toString('utf8');
      parts = [];
      heldBytes = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from));
      heldBytes += chunk.length - from;
      if (heldBytes > maxBytes) throw new LineTooLong(`a line is longer than ${maxBytes} bytes`);
    }
  }
}
