// Memory that a receiver lends to the columns of one batch after the other: an array of its own for each column of each batch would
// be most of what a receiver of hundreds a second leaves behind.
import type { ColumnName } from './batch.ts';
import { COLUMNS } from './batch.ts';

/** Rows that are kept room for; a batch of more gets arrays of its own. A node with 110 pods has some 500. */
const KEPT_ROWS = 1024;

export class ColumnMemory {
  readonly #columns = new Map<ColumnName, Float64Array>(COLUMNS.map((name) => [name, new Float64Array(0)]));

  /** @returns `rows` values, whatever is in them; the ones lent before under this name are gone */
  lend(name: ColumnName, rows: number): Float64Array {
    if (rows > KEPT_ROWS) return new Float64Array(rows);
    const kept = this.#columns.get(name)!;
    if (kept.length >= rows) return kept.subarray(0, rows);
    const grown = new Float64Array(Math.min(KEPT_ROWS, rows * 2));
    this.#columns.set(name, grown);
    return grown.subarray(0, rows);
  }
}
