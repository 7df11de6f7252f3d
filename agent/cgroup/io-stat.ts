// io.stat of cgroup v2: a line a device, `8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0`; empty before the first I/O.
// Some kernels print a device without fields or run two devices into one line: tokens are read one by one, lines do not matter.
import { decimal, decimalEnd, startsWith } from './bytes.ts';
import type { Sample } from './sample.ts';

const READ = Buffer.from('rbytes=');
const WRITTEN = Buffer.from('wbytes=');

/** Sums over all devices. @returns how many of the wanted tokens were malformed; they are left out of the sum */
export function parseIoStat(buffer: Uint8Array, length: number, sample: Sample): number {
  let read = length < 0 ? NaN : 0;
  let written = read;
  let malformed = 0;
  let at = 0;
  while (at < length) {
    const start = at;
    while (at < length && buffer[at]! > 32) at++;
    const isRead = startsWith(buffer, start, at, READ);
    if (isRead || startsWith(buffer, start, at, WRITTEN)) {
      const digits = start + READ.length;
      const bytes = at < length && decimalEnd(buffer, digits, at) === at ? decimal(buffer, digits, at) : NaN;
      if (!(bytes >= 0)) malformed++;
      else if (isRead) read += bytes;
      else written += bytes;
    }
    at++;
  }
  sample.ioReadBytes = read;
  sample.ioWriteBytes = written;
  return malformed;
}
