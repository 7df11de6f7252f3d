// What one aggregator was told in this epoch: identities it knows, refs that must be said to be gone, the sequence, and the
// peaks and histograms that are on their way to it. Numbers on their way are settled exactly once:
//   stored      → forgotten here
//   not stored  → back into the tallies, they go with a later batch
//   unknown     → (no answer came) the same rows are sent again under the same number; "stale" then says it had arrived
import { MAX_GONE, MAX_HISTOGRAM_ENTRIES, MAX_ROWS } from '../protocol/bounds.ts';
import type { Identity } from '../protocol/identity.ts';
import { PeakTally } from '../peak-tally.ts';
import type { Roster } from '../roster.ts';
import type { Row } from '../row.ts';

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
  readonly #aggregator: number;
  readonly #roster: Roster;
  #sequence = 0;
  #highestStored = 0;
  /** Refs whose identity the aggregator acknowledged. */
  readonly #known = new Set<number>();
  /** Refs it was ever told of in this epoch, acknowledged or not. */
  readonly #mentioned = new Set<number>();
  #unanswered: Parcel | undefined;

  /** @param aggregator index of its tallies in each row */
  constructor(aggregator: number, roster: Roster) {
    this.#aggregator = aggregator;
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
    return this.#parcel(
      open.sequence,
      open.rows.filter((row) => this.#alive(row)),
      true,
      true,
    );
  }

  /** The next regular parcel: rows from `offset` on, as many as one batch may hold. */
  regular(rows: readonly Row[], offset: number, maxRows: number): Parcel {
    const chosen: Row[] = [];
    let entries = 0;
    for (const row of rows.slice(offset, offset + Math.min(maxRows, MAX_ROWS))) {
      entries += row.tallies[this.#aggregator]?.size ?? 0;
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
    return parcel.withTallies ? row.taken[this.#aggregator] : undefined;
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
    else for (const row of parcel.rows) row.taken[this.#aggregator] = undefined;
  }

  #parcel(sequence: number, rows: readonly Row[], withTallies: boolean, retry: boolean): Parcel {
    const identities = rows.filter((row) => !this.#known.has(row.identity.ref)).map((row) => row.identity);
    const gone: number[] = [];
    for (const ref of this.#mentioned) {
      if (gone.length < MAX_GONE && this.#roster.get(ref) === undefined) gone.push(ref);
    }
    for (const { ref } of identities) this.#mentioned.add(ref);
    return { sequence, rows, identities, gone, withTallies, retry };
  }

  #take(row: Row): void {
    const tally = row.tallies[this.#aggregator];
    if (!tally) return;
    row.taken[this.#aggregator] = tally;
    row.tallies[this.#aggregator] = new PeakTally();
  }

  #giveBack(parcel: Parcel): void {
    for (const row of parcel.rows) {
      const taken = row.taken[this.#aggregator];
      if (taken) row.tallies[this.#aggregator]?.merge(taken);
      row.taken[this.#aggregator] = undefined;
    }
  }

  #alive(row: Row): boolean {
    return this.#roster.get(row.identity.ref) === row;
  }
}
