// The section "reports" as it is read: refs, then columns of which those that nobody wants are passed over, unread.
// Layout in docs/protocol.md. A receiver reads hundreds a second: known names are compared as bytes, columns may be lent memory.
import type { ColumnName, ReportColumns } from './batch.ts';
import { COLUMNS } from './batch.ts';
import { readColumn } from './binary-columns.ts';
import { MAX_COLUMNS, MAX_ROWS } from './bounds.ts';
import type { ColumnMemory } from './column-memory.ts';
import { Refusal, malformed } from './refusal.ts';
import { unzigzag } from './varint.ts';
import type { ByteReader } from './varint.ts';
import { MAX_UINT32, checkUnique } from './wire-values.ts';

/** What a receiver has use for; the rest may be skipped, unread. */
export interface Wanted {
  /** Undefined: all that are known. One that others are predicted from is read for them. */
  readonly columns?: ReadonlySet<ColumnName>;
  readonly histogram?: boolean;
  /** What columns are read into: they are valid until it is lent again. Undefined: memory of their own. */
  readonly memory?: ColumnMemory;
}

interface KnownColumn {
  readonly name: ColumnName;
  readonly bytes: Uint8Array;
  readonly where: string;
}

const encoder = new TextEncoder();
const KNOWN: readonly KnownColumn[] = COLUMNS.map((name) => ({
  name,
  bytes: encoder.encode(name),
  where: `column ${name}`,
}));

const BY_NAME: ReadonlyMap<string, KnownColumn> = new Map(KNOWN.map((column) => [column.name, column]));

/** A column of the section that is known here. */
interface Sent {
  readonly name: ColumnName;
  readonly encoding: number;
  readonly payload: ByteReader;
  values: Float64Array | undefined;
}

export function readReports(reader: ByteReader | undefined, wanted: Wanted): ReportColumns {
  const ref = readRefs(reader, MAX_ROWS);
  const values: { [name in ColumnName]?: Float64Array } = {};
  if (!reader) return { count: 0, ref, values };
  checkUnique('reports', ref);
  const { columns, memory } = wanted;
  const section = new Section(ref.length, memory);
  while (reader.remaining > 0) {
    const name = section.next(reader);
    if (name !== undefined && (columns === undefined || columns.has(name))) values[name] = section.newest();
  }
  return { count: ref.length, ref, values };
}

/** As steps from the ref that would follow the one before. */
export function readRefs(reader: ByteReader | undefined, most: number): Uint32Array {
  if (!reader) return new Uint32Array(0);
  const refs = new Uint32Array(reader.count(most, 1));
  for (let index = 0, next = 0; index < refs.length; index++, next++) {
    next += unzigzag(reader.uint());
    if (!(next >= 0 && next <= MAX_UINT32)) throw malformed(reader.where, `ref ${next} is not a 32-bit number`);
    refs[index] = next;
  }
  return refs;
}

/** The columns so far, in the order in which they were sent. */
class Section {
  readonly #rows: number;
  readonly #memory: ColumnMemory | undefined;
  /** Undefined: one that is not known. */
  readonly #sent: (Sent | undefined)[] = [];
  readonly #names = new Set<string>();
  /** Where in KNOWN the next column's name is looked for first. */
  #expected = 0;

  constructor(rows: number, memory: ColumnMemory | undefined) {
    this.#rows = rows;
    this.#memory = memory;
  }

  /** Past the next column. @returns undefined for one that is not known */
  next(reader: ByteReader): ColumnName | undefined {
    const taken = this.#known(reader);
    const name = taken?.name ?? reader.string();
    const known = taken ?? BY_NAME.get(name); // its length may be written in more bytes than it needs
    if (this.#names.has(name)) throw malformed('reports', `column "${name}" is there twice`);
    if (this.#sent.length === MAX_COLUMNS) throw new Refusal('too_large', `reports: more than ${MAX_COLUMNS} columns`);
    this.#names.add(name);
    const encoding = reader.byte();
    const payload = reader.part(reader.uint(), known?.where ?? `column ${name}`);
    const sent = known && { name: known.name, encoding, payload, values: undefined };
    this.#sent.push(sent);
    return known?.name;
  }

  /** Of the column that was last, which is known. */
  newest(): Float64Array {
    const index = this.#sent.length - 1;
    return this.#valuesOf(this.#sent[index]!, index);
  }

  /** Read at most once. A column may be predicted from one that stands before it: so there are no circles. */
  #valuesOf(sent: Sent, index: number): Float64Array {
    const { name, encoding, payload } = sent;
    const earlier = (at: number): Float64Array | undefined => {
      const other = at < index ? this.#sent[at] : undefined;
      return other && this.#valuesOf(other, at);
    };
    sent.values ??= readColumn(payload, name, encoding, this.#rows, earlier, this.#memory);
    return sent.values;
  }

  /** Senders keep to the order of COLUMNS and leave some out. */
  #known(reader: ByteReader): KnownColumn | undefined {
    for (let tried = 0; tried < KNOWN.length; tried++) {
      const at = (this.#expected + tried) % KNOWN.length;
      if (!reader.takes(KNOWN[at]!.bytes)) continue;
      this.#expected = at + 1;
      return KNOWN[at];
    }
    return undefined;
  }
}
