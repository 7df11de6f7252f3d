// Objects sorted by name, in leaves of some hundred. A leaf is the unit whose bytes are cached, so that a list of 30,000
// pods is some hundred ready buffers, and a change makes one leaf's bytes anew.
// A leaf that is split or merged away keeps its entries: a list that is being sent goes on with the leaves it began with.
import type { LeafPlan } from './leaf-plan.ts';
import type { MadeBytes, SpareBytes } from './made-bytes.ts';
import type { Encoding } from './views.ts';

/** What is kept of a leaf's bytes, as far as an entry must know of it. */
export interface LeafBytes {
  /** Bytes of its items; undefined: a number changed, they are to be made anew. */
  made: MadeBytes | undefined;
  /** What of the bytes stays when only numbers change; undefined: a record changed, entries came or went. */
  plan: LeafPlan | undefined;
  /** By encoding. */
  readonly spare: { [encoding in Encoding]?: SpareBytes };
  /** Split or merged away: its entries are filed elsewhere and no longer tell it of changes, so that nothing is kept of it. */
  retired: boolean;
}

export interface Leaf<Entry> extends LeafBytes {
  /** Sorted by name, by code unit. */
  entries: Entry[];
}

export interface Indexed {
  readonly name: string;
  /** Where the entry is filed; undefined when it is in no index. */
  leaf: LeafBytes | undefined;
}

const MAX_ENTRIES = 512;
/** Two neighbours with no more than this together become one. */
const MERGE_ENTRIES = 192;

export class NameIndex<Entry extends Indexed> {
  #leaves: Leaf<Entry>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** In order. The array is not changed later. */
  leaves(): readonly Leaf<Entry>[] {
    return this.#leaves;
  }

  /** @param entry in no index, with a name that is not there yet */
  insert(entry: Entry): void {
    this.#size++;
    if (this.#leaves.length === 0) {
      this.#leaves = [leafOf([entry])];
      return;
    }
    const at = this.#leafAt(entry.name);
    const leaf = this.#leaves[at]!;
    leaf.entries.splice(position(leaf.entries, entry.name), 0, entry);
    leaf.made = undefined;
    leaf.plan = undefined;
    entry.leaf = leaf;
    if (leaf.entries.length > MAX_ENTRIES) {
      const half = leaf.entries.length >> 1;
      retire(leaf);
      this.#leaves = this.#leaves.toSpliced(
        at,
        1,
        leafOf(leaf.entries.slice(0, half)),
        leafOf(leaf.entries.slice(half)),
      );
    }
  }

  remove(entry: Entry): void {
    if (entry.leaf === undefined) return;
    this.#size--;
    const at = this.#leafAt(entry.name);
    const leaf = this.#leaves[at]!;
    leaf.entries.splice(position(leaf.entries, entry.name), 1);
    leaf.made = undefined;
    leaf.plan = undefined;
    entry.leaf = undefined;
    if (leaf.entries.length === 0) this.#leaves = this.#leaves.toSpliced(at, 1);
    else this.#mergeAround(at);
  }

  #mergeAround(at: number): void {
    for (const left of [at - 1, at]) {
      const one = this.#leaves[left];
      const next = this.#leaves[left + 1];
      if (one === undefined || next === undefined) continue;
      if (one.entries.length + next.entries.length > MERGE_ENTRIES) continue;
      retire(one);
      retire(next);
      this.#leaves = this.#leaves.toSpliced(left, 2, leafOf([...one.entries, ...next.entries]));
      return;
    }
  }

  /** The last leaf whose first name is not above `name`, else the first leaf. */
  #leafAt(name: string): number {
    let low = 0;
    let high = this.#leaves.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#leaves[middle]!.entries[0]!.name <= name) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function leafOf<Entry extends Indexed>(entries: Entry[]): Leaf<Entry> {
  const leaf: Leaf<Entry> = { entries, made: undefined, plan: undefined, spare: {}, retired: false };
  for (const entry of entries) entry.leaf = leaf;
  return leaf;
}

function retire(leaf: LeafBytes): void {
  leaf.retired = true;
  leaf.made = undefined;
  leaf.plan = undefined;
}

/** Of the first entry whose name is not below `name`. */
function position(entries: readonly Indexed[], name: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle]!.name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
