// The refs of one node's epoch and what they stand for, sorted, side by side: a Map of objects would take four times the memory,
// which is ten MiB for a thousand nodes. Refs grow from push to push, so that new ones mostly go to the end.
import { ROW_KINDS } from '../../agent/protocol/identity.ts';
import type { RowKind } from '../../agent/protocol/identity.ts';

export interface Ref {
  readonly kind: RowKind;
  readonly podUid: string;
  /** Where its points are kept; -1: they are not. The slot's key is the container's id. */
  readonly slot: number;
}

const CONTAINER = ROW_KINDS.indexOf('container');
/** A kind and a slot in one small integer: there are less than 2^27 slots. */
const KIND_BITS = 3;
const KIND_MASK = (1 << KIND_BITS) - 1;

export class RefTable {
  readonly #refs: number[] = [];
  /** slot << KIND_BITS | kind */
  readonly #rows: number[] = [];
  readonly #uids: string[] = [];
  /** Where the ref that was found last is: a batch asks for one after the other. */
  #last = -1;

  get size(): number {
    return this.#refs.length;
  }

  has(ref: number): boolean {
    return this.find(ref) !== -1;
  }

  get(ref: number): Ref | undefined {
    const at = this.find(ref);
    return at === -1 ? undefined : this.at(at);
  }

  /** @returns its place, valid until the next `set` or `delete`, or -1 */
  find(ref: number): number {
    const next = this.#last + 1;
    if (this.#refs[next] === ref) return (this.#last = next);
    const at = this.#position(ref);
    return this.#refs[at] === ref ? (this.#last = at) : -1;
  }

  at(at: number): Ref {
    const row = this.#rows[at]!;
    return { kind: ROW_KINDS[row & KIND_MASK]!, podUid: this.#uids[at]!, slot: row >> KIND_BITS };
  }

  slotAt(at: number): number {
    return this.#rows[at]! >> KIND_BITS;
  }

  isContainerAt(at: number): boolean {
    return (this.#rows[at]! & KIND_MASK) === CONTAINER;
  }

  set(ref: number, { kind, podUid, slot }: Ref): void {
    const at = this.#position(ref);
    const replaced = this.#refs[at] === ref ? 1 : 0;
    this.#refs.splice(at, replaced, ref);
    this.#rows.splice(at, replaced, (slot << KIND_BITS) | ROW_KINDS.indexOf(kind));
    this.#uids.splice(at, replaced, podUid);
  }

  delete(ref: number): void {
    const at = this.find(ref);
    if (at === -1) return;
    for (const column of [this.#refs, this.#rows, this.#uids]) column.splice(at, 1);
  }

  /** @returns what there was */
  clear(): readonly Ref[] {
    const all = this.#refs.map((_, at) => this.at(at));
    for (const column of [this.#refs, this.#rows, this.#uids]) column.length = 0;
    return all;
  }

  /** Of the first ref that is not below `ref`. */
  #position(ref: number): number {
    const refs = this.#refs;
    let low = 0;
    let high = refs.length;
    if (high === 0 || refs[high - 1]! < ref) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (refs[middle]! < ref) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
