// {cpu,memory,io}.pressure and /proc/pressure/* (Documentation/accounting/psi.rst):
// `some avg10=0.08 avg60=0.26 avg300=0.39 total=31478757`, then the same for `full` (absent for cpu before 5.13). `total` is in µs.
import { decimal, startsWith } from './bytes.ts';

const NEWLINE = 10;
const SOME = Buffer.from('some ');
const FULL = Buffer.from('full ');
/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`: no newline needs to be looked for in less. */
const SHORTEST = 46;
const TOTAL = Buffer.from(' total=');

/** Reused from reading to reading. NaN: no such line, or malformed. */
export interface PressureTotals {
  someUs: number;
  fullUs: number;
}

/** @returns how many lines were malformed */
export function parsePressure(buffer: Uint8Array, length: number, totals: PressureTotals): number {
  totals.someUs = NaN;
  totals.fullUs = NaN;
  let malformed = 0;
  for (let start = 0, end = 0; start < length; start = end + 1) {
    end = start;
    if (startsWith(buffer, start, length, SOME) || startsWith(buffer, start, length, FULL)) end += SHORTEST;
    while (end < length && buffer[end] !== NEWLINE) end++;
    const total = end < length ? totalOf(buffer, start, end) : NaN;
    if (!(total >= 0)) malformed++;
    else if (startsWith(buffer, start, end, SOME)) totals.someUs = total;
    else if (startsWith(buffer, start, end, FULL)) totals.fullUs = total;
    else malformed++;
  }
  return malformed;
}

/** `total` is the last field, so it is found from the line's end. */
function totalOf(buffer: Uint8Array, start: number, end: number): number {
  let digits = end;
  while (digits > start && buffer[digits - 1]! >= 48 && buffer[digits - 1]! <= 57) digits--;
  return digits - TOTAL.length > start && startsWith(buffer, digits - TOTAL.length, end, TOTAL)
    ? decimal(buffer, digits, end)
    : NaN;
}
