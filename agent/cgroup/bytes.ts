// What every parser of a kernel file needs: whole decimal numbers and words in a range of bytes.

/** Index behind the digits that start at `from`. */
export function decimalEnd(buffer: Uint8Array, from: number, length: number): number {
  let at = from;
  while (at < length && buffer[at]! >= 48 && buffer[at]! <= 57) at++;
  return at;
}

/** The digits of [from, to) as a number; NaN when there are none or the value is above 2^53 − 1. */
export function decimal(buffer: Uint8Array, from: number, to: number): number {
  if (to <= from || to - from > 16) return NaN;
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (buffer[at]! - 48);
  return value <= Number.MAX_SAFE_INTEGER ? value : NaN;
}

export function startsWith(buffer: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start < word.length) return false;
  for (let index = 0; index < word.length; index++) if (buffer[start + index] !== word[index]) return false;
  return true;
}

export function equals(buffer: Uint8Array, length: number, word: Uint8Array): boolean {
  return length === word.length && startsWith(buffer, 0, length, word);
}
