// A pod or a node as the store files it: the record, the writer of its bytes, and the slots where its points are.
import type { NodeRecord, PodRecord } from '../kube/records.ts';
import type { Indexed } from './name-index.ts';
import type { NodeState } from './node-state.ts';
import type { ItemWriter } from './views.ts';

export interface Entry<Record> extends Indexed {
  record: Record;
  writer: ItemWriter;
  /** Slots that must all have a fresh point for the item to be served, in the order of the item. None: it is not served. */
  slots: readonly number[];
}

export interface PodEntry extends Entry<PodRecord> {
  readonly uid: string;
  /** The node it is bound to; undefined while it is not scheduled. */
  node: NodeState | undefined;
  /** Slot of each container that was created, running or not. */
  held: ReadonlyMap<string, number>;
}

export type NodeEntry = Entry<NodeRecord>;

/** Nothing can be served of it: a running container has no slot (not created yet, or no room). */
export const NO_SLOTS: readonly number[] = [];

/** Slots of the running containers, in the order of the spec; none unless each has one. Pods that are not Running are never served. */
export function runningSlots(record: PodRecord, held: ReadonlyMap<string, number>): readonly number[] {
  if (record.phase !== 'Running') return NO_SLOTS;
  const slots = [];
  for (const container of record.containers) {
    if (!container.running) continue;
    const slot = held.get(container.containerId);
    if (slot === undefined) return NO_SLOTS;
    slots.push(slot);
  }
  return slots;
}

/** Its item has to be made anew. */
export function touch(entry: Indexed): void {
  if (entry.leaf !== undefined) entry.leaf.bytes = undefined;
}
