// The shortages of a batch, joined with what the API and the store say of their containers.
import type { Batch } from '../../agent/protocol/batch.ts';
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { ContainerRecord, PodRecord } from '../kube/records.ts';
import type { ShortageEvent } from '../resize/shortage-event.ts';
import type { PointStore } from '../store/point-store.ts';
import type { Receipt } from '../store/row.ts';

export type JoinedShortage =
  | { readonly kind: 'raised'; readonly event: ShortageEvent }
  /** Its pod is not known (yet), or is bound to another node. */
  | { readonly kind: 'unknown_container'; readonly shortage: Shortage };

/** Who gave its containers their refs. */
export type Speaker = Pick<Batch, 'node' | 'bootId' | 'epoch'>;

/** A push that took longer met a client's time-out. */
const MOST_ON_THE_WAY_MS = 2000;

/**
 * After the batch was stored, so that each event carries the reading that came with it.
 * @param ownBootId of this machine: an agent with the same one counts CLOCK_BOOTTIME from the same instant, and the way is counted in.
 * Copies of one machine share their boot id and not their clocks, which a suspend moves at different moments: then the agent's clock counts.
 */
export function joinShortages(
  batch: Batch,
  store: PointStore,
  receipt: Receipt,
  ownBootId: string | undefined,
): JoinedShortage[] {
  const wayMs = batch.bootId === ownBootId ? receipt.monoMs - batch.bootTimeMs : 0;
  const nowMs = batch.bootTimeMs + (wayMs > 0 && wayMs <= MOST_ON_THE_WAY_MS ? wayMs : 0);
  return batch.shortages.map((shortage) => {
    const place = placeOf(batch, shortage.ref, store);
    if (place === undefined) return { kind: 'unknown_container', shortage };
    const event = {
      shortage,
      ...place,
      observation: store.observation(place.container.containerId),
      node: batch.node,
      receivedMonoMs: receipt.monoMs,
      receivedWallMs: receipt.wallMs,
      raisedAgoMs: Math.max(0, nowMs - shortage.raisedBootMs),
    };
    return { kind: 'raised', event };
  });
}

/** Undefined: the API has not told of it yet, or its pod is bound to another node. */
export function placeOf(
  { node, bootId, epoch }: Speaker,
  ref: number,
  store: Pick<PointStore, 'containerOf' | 'pod'>,
): { readonly pod: PodRecord; readonly container: ContainerRecord } | undefined {
  const place = store.containerOf(node, bootId, epoch, ref);
  const pod = place && store.pod(place.podUid);
  const container = pod?.containers.find((one) => one.containerId === place?.containerId);
  return pod && container && { pod, container };
}
