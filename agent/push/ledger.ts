// What one aggregator was told in this epoch: identities it knows, refs that must be said to be gone, the sequence, and the
// peaks and histograms that are on their way to it. Numbers on their way are settled exactly once:
//   stored      → forgotten here
//   not stored  → back into the tallies, they go with a later batch
//   unknown     → (no answer came) the same rows are sent again under the same number; "stale" then says it had arrived
import { MAX_GONE, MAX_HISTOGRAM_ENTRIES, MAX_ROWS } from '../protocol/bounds.ts';
import type { Identity } from '../protocol/identity.ts';
import { PeakTally } from '../store/peak-tally.ts';
import type { Roster } from '../store/roster.ts';
import type { Row } from '../store/row.ts';

/** A batch that is being made or on its way. */
export interface Parcel {
  readonly sequence: number;
  readonly rows: readonly Row[];
  readonly identities: readonly Identity[];
  readonly gone: readonly number[];
  /** Whether it carries peaks and histograms. */
  readonly withTallies: boolean;
  /** The number was used before and no answer came. */
  readonly retry: boolean;
}

export type Settlement = 'stored' | 'not stored' | 'unknown';

export class Ledger {
  readonly #slot: number;
  readonly #roster: Roster;
  #sequence = 0;
  #highestStored = 0;
  /** Refs whose identity the aggregator acknowledged. */
  readonly #known = new Set<number>();
  /** Refs it was ever told of in this epoch, acknowledged or not. */
  readonly #mentioned = new Set<number>();
  #unanswered: Parcel | undefined;

  /** @param slot of this aggregator's tallies in each row */
  constructor(slot: number, roster: Roster) {
    this.#slot = slot;
    this.#roster = roster;
  }

  /** The aggregator lost the epoch: everything is told again. */
  forgetKnown(): void {
    this.#known.clear();
  }

  /** A parcel whose fate is unknown and that must go first, under its old number. */
  unanswered(): Parcel | undefined {
    const open = this.#unanswered;
    this.#unanswered = undefined;
    if (!open) return undefined;
    if (this.#highestStored > open.sequence) {
      this.#giveBack(open); // overtaken: its number would be refused whatever became of it
      return undefined;
    }
    return this.#parcel(open.sequence, open.rows, true, true);
  }

  /** What a push is about: every row, and those that ended with something left to tell. */
  rows(): readonly Row[] {
    const ended = this.#roster.ended(this.#slot);
    return ended.length === 0 ? this.#roster.rows() : [...ended, ...this.#roster.rows()];
  }

  /** The pusher ends: what is on its way is nobody's any more, and goes to whoever takes over the slot. */
  close(): void {
    if (this.#unanswered) this.#giveBack(this.#unanswered);
    this.#unanswered = undefined;
  }

  /** The next regular parcel: rows from `offset` on, as many as one batch may hold. */
  regular(rows: readonly Row[], offset: number, maxRows: number): Parcel {
    const chosen: Row[] = [];
    let entries = 0;
    for (const row of rows.slice(offset, offset + Math.min(maxRows, MAX_ROWS))) {
      entries += row.tallies[this.#slot]?.size ?? 0;
      if (entries > MAX_HISTOGRAM_ENTRIES) break;
      chosen.push(row);
    }
    for (const row of chosen) this.#take(row);
    return this.#parcel(++this.#sequence, chosen, true, false);
  }

  /** A parcel for the urgent path: these rows now, their peaks later. */
  urgent(rows: readonly Row[]): Parcel {
    return this.#parcel(++this.#sequence, rows, false, false);
  }

  tallyOf(parcel: Parcel, row: Row): PeakTally | undefined {
    return parcel.withTallies ? row.taken[this.#slot] : undefined;
  }

  settle(parcel: Parcel, how: Settlement): void {
    if (how === 'stored') {
      for (const { ref } of parcel.identities) this.#known.add(ref);
      for (const ref of parcel.gone) {
        this.#mentioned.delete(ref);
        this.#known.delete(ref);
      }
      this.#highestStored = Math.max(this.#highestStored, parcel.sequence);
    }
    if (!parcel.withTallies) return;
    if (how === 'unknown') this.#unanswered = parcel;
    else if (how === 'not stored') this.#giveBack(parcel);
    else for (const row of parcel.rows) row.taken[this.#slot] = undefined;
  }

  #parcel(sequence: number, rows: readonly Row[], withTallies: boolean, retry: boolean): Parcel {
    const identities = rows.filter((row) => !this.#known.has(row.identity.ref)).map((row) => row.identity);
    for (const { ref } of identities) this.#mentioned.add(ref);
    const gone = this.#gone(new Set(withTallies ? rows : []));
    return { sequence, rows, identities, gone, withTallies, retry };
  }

  /** Refs that ended, but for those whose last numbers are still to come or on their way in another parcel. */
  #gone(inParcel: ReadonlySet<Row>): number[] {
    const untold = new Set<number>();
    for (const row of this.#roster.ended(this.#slot)) if (!inParcel.has(row)) untold.add(row.identity.ref);
    const gone: number[] = [];
    for (const ref of this.#mentioned) {
      if (gone.length >= MAX_GONE) break;
      if (this.#roster.get(ref) === undefined && !untold.has(ref)) gone.push(ref);
    }
    return gone;
  }

  #take(row: Row): void {
    const tally = row.tallies[this.#slot];
    if (!tally) return;
    row.taken[this.#slot] = tally;
    row.tallies[this.#slot] = new PeakTally();
  }

  #giveBack(parcel: Parcel): void {
    for (const row of parcel.rows) {
      const taken = row.taken[this.#slot];
      if (taken) row.tallies[this.#slot]?.merge(taken);
      row.taken[this.#slot] = undefined;
    }
  }
}
