// Text of a meta/v1 Time: RFC 3339, UTC, whole seconds, cut off and not rounded.

/** Always: years 1970 to 9999. */
export const TIME_BYTES = 20;

const LAST_SECOND = 253_402_300_799;
/** A list's points are read within `--staleness`: this many seconds are remembered. */
const REMEMBERED = 64;
const seconds = new Float64Array(REMEMBERED).fill(Number.NaN);
const texts = Buffer.alloc(REMEMBERED * TIME_BYTES);

/**
 * @param wallMs Unix time, ms
 * @returns the offset behind the text
 */
export function writeTime(out: Uint8Array, offset: number, wallMs: number): number {
  const from = remembered(wallMs);
  for (let at = 0; at < TIME_BYTES; at++) out[offset + at] = texts[from + at]!;
  return offset + TIME_BYTES;
}

export function timeText(wallMs: number): string {
  const from = remembered(wallMs);
  return texts.toString('latin1', from, from + TIME_BYTES);
}

/** Where in `texts` the text is. */
function remembered(wallMs: number): number {
  const second = Math.min(Math.max(Math.floor(wallMs / 1000), 0), LAST_SECOND);
  const slot = second % REMEMBERED;
  if (seconds[slot] !== second) {
    texts.write(`${new Date(second * 1000).toISOString().slice(0, 19)}Z`, slot * TIME_BYTES, 'latin1');
    seconds[slot] = second;
  }
  return slot * TIME_BYTES;
}
