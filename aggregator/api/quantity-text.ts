// Canonical text of a resource.Quantity (k8s.io/apimachinery/pkg/api/resource), as the resource metrics API prints usage:
// cpu in DecimalSI from nanocores, memory in BinarySI from bytes.
import { INT32_MAX, writeByte, writeInteger, writtenText } from './ascii.ts';

/** The most bytes that one quantity takes. */
export const QUANTITY_MAX_BYTES = 18;

const DECIMAL_SUFFIXES = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
/** Where in DECIMAL_SUFFIXES whole units are. */
const UNITS = 3;
const BINARY_SUFFIXES = ['', 'K', 'M', 'G', 'T', 'P'];
const ZERO = 0x30;
const LETTER_I = 0x69;

/**
 * @param cpuNanos nanocores; fractions are cut off, what is under zero is "0"
 * @returns the offset behind the text
 */
export function writeCpu(out: Uint8Array, offset: number, cpuNanos: number): number {
  return writeDecimal(out, offset, cpuNanos, 0);
}

/** Below 1024 bytes the canonical form is decimal, as in Go: 1000 bytes are "1k", 1536 are "1536". */
export function writeMemory(out: Uint8Array, offset: number, bytes: number): number {
  if (!(bytes >= 1024)) return writeDecimal(out, offset, bytes, UNITS);
  let amount = wholeAmount(bytes);
  let power = 0;
  // A float divided by a power of two stays exact.
  while (amount > INT32_MAX && Number.isInteger(amount / 1024)) {
    amount /= 1024;
    power++;
  }
  if (amount <= INT32_MAX) {
    let small = amount | 0;
    for (; (small & 1023) === 0 && power < BINARY_SUFFIXES.length - 1; power++) small >>= 10;
    amount = small;
  }
  const end = writeInteger(out, offset, amount);
  return power === 0 ? end : writeByte(out, writeByte(out, end, BINARY_SUFFIXES[power]!.charCodeAt(0)), LETTER_I);
}

/** @param suffixIndex what one of `value` is; it goes up while 1000 divides the amount */
function writeDecimal(out: Uint8Array, offset: number, value: number, suffixIndex: number): number {
  if (!(value >= 1)) return writeByte(out, offset, ZERO);
  let amount = wholeAmount(value);
  let index = suffixIndex;
  while (amount > INT32_MAX && Math.floor(amount / 1000) * 1000 === amount) {
    amount = Math.floor(amount / 1000);
    index++;
  }
  if (amount <= INT32_MAX) {
    let small = amount | 0;
    for (; small % 1000 === 0 && index < DECIMAL_SUFFIXES.length - 1; index++) small = (small / 1000) | 0;
    amount = small;
  }
  const end = writeInteger(out, offset, amount);
  return index === UNITS ? end : writeByte(out, end, DECIMAL_SUFFIXES[index]!.charCodeAt(0));
}

function wholeAmount(value: number): number {
  return Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER);
}

export function cpuText(cpuNanos: number): string {
  return writtenText((out) => writeCpu(out, 0, cpuNanos));
}

export function memoryText(bytes: number): string {
  return writtenText((out) => writeMemory(out, 0, bytes));
}
