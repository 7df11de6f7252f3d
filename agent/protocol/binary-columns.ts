// One column of the binary batch: what is left of each value after the cheapest of three predictions, as varints.
// Layout in docs/protocol.md. Cost of decoding: at least one bit of payload for each row.
import { unzigzag, varintLength, zigzag } from './varint.ts';
import type { ByteReader, ByteWriter } from './varint.ts';
import type { ColumnName } from './batch.ts';
import type { ColumnMemory } from './column-memory.ts';
import { malformed } from './refusal.ts';
import { isLimit, wireValue } from './wire-values.ts';

/** Low two bits of the encoding byte. */
const PLAIN = 0;
const PREVIOUS_ROW = 1;
const OTHER_COLUMN = 2;
const PREDICTION = 3;
/** A bitmap of the rows that have a value; without it every row has one. */
const HAS_ABSENT = 4;
/** A bitmap of the rows that are "max". */
const HAS_MAX = 8;
/** A bitmap of the rows that are as predicted, and take no varint. */
const HAS_EXACT = 16;
const KNOWN_BITS = PREDICTION | HAS_ABSENT | HAS_MAX | HAS_EXACT;

/** Differences need |d| < 2^52 to be exact as zigzag. */
const MAX_DELTA = 2 ** 52;
/** Rows looked at to choose a prediction. */
const PROBES = 64;
const NONE = -1;

/** A column that was written before, with its place in the section. */
export interface Reference {
  readonly index: number;
  readonly values: Float64Array;
}

let wholes = new Float64Array(1024);
let rests = new Float64Array(1024);

/** @returns false, and nothing written, when no row has a value */
export function writeColumn(
  writer: ByteWriter,
  name: ColumnName,
  values: Float64Array,
  count: number,
  reference: Reference | undefined,
): boolean {
  if (wholes.length < count) [wholes, rests] = [new Float64Array(count), new Float64Array(count)];
  const limit = isLimit(name);
  const sent = wholes;
  let absent = 0;
  let maxes = 0;
  let bits = 0;
  let highest = 0;
  for (let row = 0; row < count; row++) {
    const value = wireValue(values[row]!, limit);
    sent[row] = value;
    if (value < Infinity) {
      bits |= value;
      if (value > highest) highest = value;
    } else if (value === Infinity) maxes++;
    else absent++;
  }
  if (absent === count) return false;
  const shift = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits);
  const prediction = highest < MAX_DELTA ? cheapest(count, 2 ** -shift, reference) : PLAIN;
  const exact = predict(count, prediction, 2 ** -shift, reference);
  // A byte for each exact row against a bit for every row.
  const flags = (absent > 0 ? HAS_ABSENT : 0) | (maxes > 0 ? HAS_MAX : 0) | (exact * 8 > count + 7 ? HAS_EXACT : 0);
  writer.string(name);
  writer.byte(prediction | flags);
  const start = writer.length;
  writer.byte(shift);
  if (prediction === OTHER_COLUMN) writer.uint(reference!.index);
  writePayload(writer, count, flags);
  writer.prefixLength(start);
  return true;
}

function writePayload(writer: ByteWriter, count: number, flags: number): void {
  if (flags & HAS_ABSENT) {
    const place = writer.bitmap(count);
    for (let row = 0; row < count; row++) if (!Number.isNaN(wholes[row]!)) writer.setBit(place, row);
  }
  if (flags & HAS_MAX) {
    const place = writer.bitmap(count);
    for (let row = 0; row < count; row++) if (wholes[row] === Infinity) writer.setBit(place, row);
  }
  const skipExact = (flags & HAS_EXACT) !== 0;
  if (skipExact) {
    const place = writer.bitmap(count);
    for (let row = 0; row < count; row++) if (rests[row] === 0) writer.setBit(place, row);
  }
  const given = rests;
  for (let row = 0; row < count; row++) {
    const rest = given[row]!;
    if (rest > 0 || (rest === 0 && !skipExact)) writer.uint(rest);
  }
}

/** Fills `rests` from `wholes`; returns how many are 0. */
function predict(count: number, prediction: number, unit: number, reference: Reference | undefined): number {
  const [from, to] = [wholes, rests];
  const other = prediction === OTHER_COLUMN ? reference?.values : undefined;
  let exact = 0;
  let previous = 0;
  for (let row = 0; row < count; row++) {
    const value = from[row]! * unit;
    let rest = NONE;
    if (value < Infinity) {
      if (prediction === PLAIN) rest = value;
      else if (other) rest = zigzag(value - Math.floor(known(other[row]!) * unit));
      else rest = zigzag(value - previous);
      if (rest === 0) exact++;
      previous = value;
    }
    to[row] = rest;
  }
  return exact;
}

/** The prediction with the fewest bytes over at most PROBES rows. */
function cheapest(count: number, unit: number, reference: Reference | undefined): number {
  const step = Math.max(1, Math.floor(count / PROBES));
  let plain = 0;
  let byRow = 0;
  let byColumn = 0;
  for (let row = 0; row < count; row += step) {
    const value = wholes[row]! * unit;
    if (!(value < Infinity)) continue;
    const before = row === 0 ? 0 : wholes[row - 1]! * unit;
    plain += cost(value);
    byRow += cost(zigzag(value - (before < Infinity ? before : 0)));
    if (reference) byColumn += cost(zigzag(value - Math.floor(known(reference.values[row]!) * unit)));
  }
  if (reference && byColumn < byRow && byColumn < plain) return OTHER_COLUMN;
  return byRow < plain ? PREVIOUS_ROW : PLAIN;
}

/** An exact row costs a bit in most columns; the eighth of a byte is left out of account. */
function cost(rest: number): number {
  return rest === 0 ? 0 : varintLength(rest);
}

/** A row of the other column that has no number predicts 0; so does one that is too large for exact differences. */
function known(value: number): number {
  const whole = wireValue(value, false);
  return whole < MAX_DELTA ? whole : 0;
}

/** A column that stands before this one; undefined where there is none that is known. */
type Earlier = (index: number) => Float64Array | undefined;

/**
 * @param payload of this column alone; read to its end
 * @param memory for the values; undefined: their own
 */
export function readColumn(
  payload: ByteReader,
  name: ColumnName,
  encoding: number,
  count: number,
  earlier: Earlier,
  memory?: ColumnMemory,
): Float64Array {
  const prediction = encoding & PREDICTION;
  if (encoding & ~KNOWN_BITS || prediction === PREDICTION)
    throw malformed(payload.where, `unknown encoding ${encoding}`);
  if (encoding & HAS_MAX && !isLimit(name)) throw malformed(payload.where, '"max" in a column that is no limit');
  const shift = payload.byte();
  if (shift > 52) throw malformed(payload.where, `unit 2^${shift}`);
  const other = prediction === OTHER_COLUMN ? earlier(payload.uint()) : undefined;
  if (prediction === OTHER_COLUMN && !other)
    throw malformed(payload.where, 'predicted from a column that is not there');
  const present = encoding & HAS_ABSENT ? payload.bitmap(count) : undefined;
  const max = encoding & HAS_MAX ? payload.bitmap(count) : undefined;
  const exact = encoding & HAS_EXACT ? payload.bitmap(count) : undefined;
  if (!exact && !present && !max && payload.remaining < count) throw malformed(payload.where, 'truncated');
  const unit = 2 ** shift;
  const values = memory?.lend(name, count) ?? new Float64Array(count);
  let previous = 0;
  for (let row = 0; row < count; row++) {
    if (present && !isSet(present, row)) values[row] = NaN;
    else if (max && isSet(max, row)) values[row] = Infinity;
    else {
      const rest = exact && isSet(exact, row) ? 0 : payload.uint();
      previous =
        prediction === PLAIN
          ? rest
          : unzigzag(rest) + (prediction === PREVIOUS_ROW ? previous : Math.floor(known(other![row]!) / unit));
      const value = previous * unit;
      if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw malformed(payload.where, `row ${row} is ${value}`);
      values[row] = value;
    }
  }
  if (payload.remaining > 0) throw malformed(payload.where, `${payload.remaining} bytes too many`);
  return values;
}

function isSet(bitmap: Uint8Array, bit: number): boolean {
  return ((bitmap[bit >>> 3]! >>> (bit & 7)) & 1) === 1;
}
