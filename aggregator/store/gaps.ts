// Why the store serves nothing of a pod or a node, as far as the store itself knows: which of its points is missing or old.
import type { NodeRecord, PodRecord } from '../kube/records.ts';
import type { Entry, PodEntry } from './entries.ts';
import { heldSlot } from './entries.ts';
import { LEVEL_BOOT_MS, LEVEL_FIELDS, POINT_FIELDS, POINT_MONO_MS } from './points.ts';
import type { Points } from './points.ts';

/**
 * Of one slot that has no fresh point:
 * - `no_slot`: the container was not created yet, or the store is full;
 * - `no_row`: nobody has reported it;
 * - `no_rate`: it was reported, but not long enough for a rate;
 * - `stale`: its last point is `ageMs` old.
 */
export type SlotGap =
  | { readonly kind: 'no_slot' }
  | { readonly kind: 'no_row' }
  | { readonly kind: 'no_rate' }
  | { readonly kind: 'stale'; readonly ageMs: number };

export interface NodeGap {
  readonly record: NodeRecord;
  readonly gap: SlotGap;
}

export interface PodGap {
  readonly record: PodRecord;
  /** The first running container without a fresh point; undefined: no container runs. */
  readonly first: { readonly container: string; readonly gap: SlotGap } | undefined;
}

/** Undefined when the node is served. */
export function nodeGap(
  points: Points,
  entry: Entry<NodeRecord>,
  nowMonoMs: number,
  stalenessMs: number,
): NodeGap | undefined {
  const gap = slotGap(points, entry.slots[0], nowMonoMs, stalenessMs);
  return gap === undefined ? undefined : { record: entry.record, gap };
}

/** Undefined when the pod is served, or on its way out with nothing running. Meant for pods that have not ended. */
export function podGap(points: Points, entry: PodEntry, nowMonoMs: number, stalenessMs: number): PodGap | undefined {
  const { record } = entry;
  let isRunning = false;
  if (record.phase === 'Running') {
    for (const { name, containerId, running } of record.containers) {
      if (!running) continue;
      isRunning = true;
      const gap = slotGap(points, heldSlot(entry, containerId), nowMonoMs, stalenessMs);
      if (gap !== undefined) return { record, first: { container: name, gap } };
    }
  }
  return isRunning || record.terminating ? undefined : { record, first: undefined };
}

function slotGap(
  { point, level }: Points,
  slot: number | undefined,
  nowMonoMs: number,
  stalenessMs: number,
): SlotGap | undefined {
  if (slot === undefined) return { kind: 'no_slot' };
  const ageMs = nowMonoMs - point[slot * POINT_FIELDS + POINT_MONO_MS]!;
  if (ageMs <= stalenessMs) return undefined;
  if (!Number.isNaN(ageMs)) return { kind: 'stale', ageMs };
  return { kind: Number.isNaN(level[slot * LEVEL_FIELDS + LEVEL_BOOT_MS]!) ? 'no_row' : 'no_rate' };
}
