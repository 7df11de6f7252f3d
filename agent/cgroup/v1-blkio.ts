// blkio.throttle.io_service_bytes_recursive of cgroup v1 (Documentation/admin-guide/cgroup-v1/blkio-controller.rst):
// `8:16 Read 4096`, `8:16 Write 0`, ... `8:16 Total 4096`, then `Total 4096` over all devices.
import { decimal, decimalEnd, startsWith } from './bytes.ts';
import type { Sample } from './sample.ts';

const READ = Buffer.from(' Read ');
const WRITE = Buffer.from(' Write ');

/** Sums over all devices; NaN without a device's line: newer kernels count only where a throttle is set. @returns how many lines were malformed; they are left out of the sum */
export function parseV1Blkio(buffer: Uint8Array, length: number, sample: Sample): number {
  let read = NaN;
  let written = NaN;
  let malformed = 0;
  for (let start = 0, end = 0; start < length; start = end + 1) {
    end = start;
    let word = -1;
    while (end < length && buffer[end] !== 10) {
      if (word < 0 && buffer[end] === 32) word = end;
      end++;
    }
    const isRead = word > 0 && startsWith(buffer, word, end, READ);
    const isWrite = word > 0 && !isRead && startsWith(buffer, word, end, WRITE);
    if (end >= length || word < 0) malformed++;
    else if (isRead || isWrite) {
      const digits = word + (isRead ? READ.length : WRITE.length);
      const bytes = decimalEnd(buffer, digits, end) === end ? decimal(buffer, digits, end) : NaN;
      if (!(bytes >= 0)) malformed++;
      else if (isRead) read = add(read, bytes);
      else written = add(written, bytes);
    }
  }
  sample.ioReadBytes = read;
  sample.ioWriteBytes = written;
  return malformed;
}

function add(sum: number, bytes: number): number {
  return Number.isNaN(sum) ? bytes : sum + bytes;
}
