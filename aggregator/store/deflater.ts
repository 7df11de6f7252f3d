// Raw deflate (RFC 1951) of pieces that can be joined in any order, by one zlib stream that is kept: making its tables anew for each
// piece is a third of the work, and V8, which counts them, would run its collector with every list. The work is done in libuv's pool.
import { constants, createDeflateRaw } from 'node:zlib';
import type { DeflateRaw } from 'node:zlib';
import { copyOf } from './made-bytes.ts';

/** k8s.io/apiserver's level too. */
const LEVEL = 1;
/** Of several stretches: a list compresses to about a ninth. */
const OUTPUT_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);
const CLOSED = 'the deflate stream was closed';

/** @param bytes not to be written to until it has ended. @returns blocks that end at a byte and refer to nothing before them */
export type Deflate = (bytes: Uint8Array) => Promise<Buffer>;

export class Deflater {
  #stream: DeflateRaw | undefined;
  #parts: Buffer[] = [];
  #failed: (err: Error) => void = () => {};
  #last: Promise<unknown> = Promise.resolve();

  /** `work` has the stream alone: it begins when what was asked for before has ended. */
  turn<Result>(work: (deflate: Deflate) => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => work(this.#deflate));
    this.#last = result.catch(() => {}); // its caller is told
    return result;
  }

  close(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  readonly #deflate: Deflate = async (bytes) => {
    if (bytes.length === 0) return NOTHING;
    this.#parts = [];
    await new Promise<void>((resolve, reject) => {
      this.#failed = reject;
      const stream = (this.#stream ??= this.#open());
      // A stream that is closed meanwhile says so without an error.
      stream.write(bytes, (err) => (err || stream.destroyed ? reject(err ?? new Error(CLOSED)) : resolve()));
    });
    const blocks = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    return copyOf(blocks, blocks.length);
  };

  #open(): DeflateRaw {
    // A full flush after each write forgets what was before.
    const stream = createDeflateRaw({ level: LEVEL, flush: constants.Z_FULL_FLUSH, chunkSize: OUTPUT_BYTES });
    stream.on('data', (part: Buffer) => this.#parts.push(part));
    stream.on('error', (err) => {
      this.#stream = undefined;
      this.#failed(err);
    });
    return stream;
  }
}
