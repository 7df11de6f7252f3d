// What one node's agent has said of itself: its boot, its epoch, the refs of that epoch and what became of them.
// Order is (boot id, epoch, sequence); the wall clock plays no part in it.
import type { Batch } from '../../agent/protocol/batch.ts';
import type { RowName } from '../../agent/protocol/reply.ts';
import { RefTable } from './ref-table.ts';

/** Refs of one epoch, live ones; above it the epoch is forgotten and asked for anew. Twice what one batch may report on. */
export const MAX_REFS = 16_384;
/** Refs that ended, kept so that a batch that was overtaken does not bring them back. */
const MAX_ENDED = 8192;
/** Boots before this one whose late batches are still known as such. */
const MAX_RETIRED_BOOTS = 8;
/** A batch that was overtaken by more than this many is of no use. */
const MAX_OVERTAKEN = 256;

/**
 * Where a batch stands:
 * - `new_epoch`: the first of an epoch, or of a boot;
 * - `in_order`, `overtaken` (an urgent one was faster: rows decide one by one), `repeated` (a retry of the newest);
 * - `stale`: of an earlier epoch or boot, or overtaken long ago.
 */
export type Standing = 'new_epoch' | 'in_order' | 'overtaken' | 'repeated' | 'stale';

export class NodeEpoch {
  bootId = '';
  epoch = -1;
  sequence = -1;
  /** Grows with each new epoch or boot: the first half of a row's order. */
  ordinal = 0;
  readonly refs = new RefTable();
  readonly ended = new Set<number>();
  /** Refs whose names the agent was not told. */
  readonly untold = new Set<number>();
  /** What the newest batch was answered, for its retry. */
  lastNames: readonly RowName[] = [];
  readonly #retiredBoots: string[] = [];

  standing(batch: Batch): Standing {
    if (batch.bootId !== this.bootId) return this.#retiredBoots.includes(batch.bootId) ? 'stale' : 'new_epoch';
    if (batch.epoch !== this.epoch) return batch.epoch < this.epoch ? 'stale' : 'new_epoch';
    if (batch.sequence > this.sequence) return 'in_order';
    if (batch.sequence === this.sequence) return 'repeated';
    return this.sequence - batch.sequence > MAX_OVERTAKEN ? 'stale' : 'overtaken';
  }

  /** The caller has let go of the refs of the epoch before. */
  begin(batch: Batch): void {
    if (this.bootId !== '' && this.bootId !== batch.bootId) {
      this.#retiredBoots.push(this.bootId);
      if (this.#retiredBoots.length > MAX_RETIRED_BOOTS) this.#retiredBoots.shift();
    }
    this.bootId = batch.bootId;
    this.epoch = batch.epoch;
    this.sequence = -1;
    this.ordinal++;
    this.ended.clear();
    this.lastNames = [];
  }

  end(ref: number): void {
    this.ended.add(ref);
    if (this.ended.size > MAX_ENDED) {
      for (const oldest of this.ended) {
        this.ended.delete(oldest);
        break;
      }
    }
  }
}

/** Every ref that the batch speaks of is known, or named by the batch itself. An overtaken batch may speak of refs that have ended. */
export function knowsRefs(known: { has(ref: number): boolean }, batch: Batch): boolean {
  const introduced = new Set(batch.identities.map((identity) => identity.ref));
  const isKnown = (ref: number): boolean => known.has(ref) || introduced.has(ref);
  const { ref, count } = batch.reports;
  for (let row = 0; row < count; row++) if (!isKnown(ref[row]!)) return false;
  return batch.shortages.every((shortage) => isKnown(shortage.ref));
}
