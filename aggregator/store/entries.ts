// A pod or a node as the store files it: the record and the slots where its points are.
import type { NodeRecord, PodRecord } from '../kube/records.ts';
import type { Indexed } from './name-index.ts';
import type { NodeState } from './node-state.ts';

export interface Entry<Record> extends Indexed {
  record: Record;
  /** Slots that must all have a fresh point for the item to be served, in the order of the item. None: it is not served. */
  slots: readonly number[];
}

export interface PodEntry extends Entry<PodRecord> {
  readonly uid: string;
  /** The node it is bound to; undefined while it is not scheduled. */
  node: NodeState | undefined;
  /** Slot of each of the record's containers, running or not; -1: it was not created yet, or there was no room. */
  held: readonly number[];
}

export type NodeEntry = Entry<NodeRecord>;

/** Nothing can be served of it: a running container has no slot (not created yet, or no room). */
export const NO_SLOTS: readonly number[] = [];

/** Slots of the running containers, in the order of the spec; none unless each has one. Pods that are not Running are never served. */
export function runningSlots({ phase, containers }: PodRecord, held: readonly number[]): readonly number[] {
  if (phase !== 'Running') return NO_SLOTS;
  if (containers.some(({ running }, at) => running && held[at] === -1)) return NO_SLOTS;
  // Mostly all of them run: one array for both.
  return containers.every(({ running }) => running) ? held : held.filter((_, at) => containers[at]!.running);
}

/** Of a container of the pod; undefined: it has none. */
export function heldSlot({ record, held }: PodEntry, containerId: string): number | undefined {
  const slot = held[record.containers.findIndex((one) => one.containerId === containerId)];
  return slot === -1 ? undefined : slot;
}

/** Its numbers changed: what was made of them has to be made anew. */
export function touch(entry: Indexed): void {
  if (entry.leaf !== undefined) entry.leaf.made = undefined;
}

/** Its record or its slots changed. */
export function reshape(entry: Indexed): void {
  if (entry.leaf === undefined) return;
  entry.leaf.made = undefined;
  entry.leaf.plan = undefined;
}

/** Whether two records of one pod make the same item: most updates of a pod change nothing that is served. */
export function sameItem(before: PodRecord, after: PodRecord): boolean {
  return (
    before.name === after.name &&
    before.namespace === after.namespace &&
    sameLabels(before.labels, after.labels) &&
    before.containers.length === after.containers.length &&
    before.containers.every((one, at) => {
      const other = after.containers[at]!;
      return one.name === other.name && one.running === other.running;
    })
  );
}

function sameLabels(before: PodRecord['labels'], after: PodRecord['labels']): boolean {
  const keys = Object.keys(before);
  return (
    keys.length === Object.keys(after).length &&
    keys.every((key) => Object.hasOwn(after, key) && before[key] === after[key])
  );
}

export function sameSlots(before: readonly number[], after: readonly number[]): boolean {
  return before.length === after.length && before.every((slot, at) => slot === after[at]);
}
