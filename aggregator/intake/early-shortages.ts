// Shortages that come before the API says whose they are: a container may leak within seconds of its start, and the kubelet tells its id
// later than that. A growth that has ended by then is not told again, so its last word is kept and judged by what the container needs
// once its pod is known. Memory only: throttling that lasts is told each second.
import type { Batch } from '../../agent/protocol/batch.ts';
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { ShortageEvent } from '../resize/shortage-event.ts';
import type { PointStore } from '../store/point-store.ts';
import { placeOf } from './shortage-events.ts';
import type { Speaker } from './shortage-events.ts';

export interface EarlyShortagesParts {
  readonly store: Pick<PointStore, 'containerOf' | 'pod' | 'observation'>;
  /** This process's monotonic clock, ms, the store's own; and Unix ms. */
  readonly clock: () => number;
  readonly wallMs: () => number;
  readonly onShortage: (event: ShortageEvent) => void;
}

interface Early {
  readonly from: Speaker;
  readonly shortage: Shortage;
  readonly untilMonoMs: number;
}

/** A kubelet of a starved node tells of a container as late as this. */
const KEPT_MS = 15_000;
const MOST_KEPT = 256;

export class EarlyShortages {
  readonly #parts: EarlyShortagesParts;
  /** By node and ref, oldest first: the newest word of each container. */
  readonly #kept = new Map<string, Early>();

  constructor(parts: EarlyShortagesParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** One of a container that no pod is known of. */
  keep({ node, bootId, epoch }: Batch, shortage: Shortage): void {
    if (shortage.resource !== 'memory') return;
    const key = `${node}/${shortage.ref}`;
    this.#kept.delete(key);
    this.#kept.set(key, { from: { node, bootId, epoch }, shortage, untilMonoMs: this.#parts.clock() + KEPT_MS });
    for (const oldest of this.#kept.keys()) if (this.#kept.size > MOST_KEPT) this.#kept.delete(oldest);
  }

  /** A pod of this node is known, or known better: what waited for it is raised as of the newest reading. */
  podChanged(nodeName: string): void {
    if (this.#kept.size === 0) return;
    const nowMs = this.#parts.clock();
    for (const [key, early] of this.#kept) {
      if (nowMs >= early.untilMonoMs) this.#kept.delete(key);
      else if (early.from.node === nodeName && this.#raise(early, nowMs)) this.#kept.delete(key);
    }
  }

  /** @returns whether its pod is known */
  #raise({ from, shortage }: Early, nowMs: number): boolean {
    const { store, wallMs, onShortage } = this.#parts;
    const place = placeOf(from, shortage.ref, store);
    if (place === undefined) return false;
    const observation = store.observation(place.container.containerId);
    if (observation === undefined || observation.atBootMs < shortage.raisedBootMs) return true;
    const need = observation.memoryCurrentBytes - observation.fileBytes;
    onShortage({
      // What it grew by is history: it is short if it stands near its limit.
      shortage: { ...shortage, need, rate: 0, raisedBootMs: observation.atBootMs },
      ...place,
      observation,
      node: from.node,
      receivedMonoMs: nowMs,
      receivedWallMs: wallMs(),
      raisedAgoMs: 0,
    });
    return true;
  }
}
