// Shortages that come too early to be judged: before the API says whose they are (a container may leak within seconds of its start, and
// the kubelet tells its id later than that), or while no replica acts. A growth that has ended by then is not told again, so its last
// word is kept and judged by what the container needs then. Memory only: throttling that lasts is told each second.
import type { Batch } from '../../agent/protocol/batch.ts';
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import type { ShortageEvent } from '../resize/shortage-event.ts';
import type { PointStore } from '../store/point-store.ts';
import { placeOf } from './shortage-events.ts';
import type { Speaker } from './shortage-events.ts';

export interface EarlyShortagesParts {
  readonly store: Pick<PointStore, 'containerOf' | 'pod' | 'observation'>;
  /** This process's monotonic clock, ms, the store's own; and Unix ms. */
  readonly clock: () => number;
  readonly wallMs: () => number;
  /** @returns whether it was judged */
  readonly onShortage: (event: ShortageEvent) => boolean;
  readonly log: Logger;
}

interface Early {
  readonly from: Speaker;
  readonly shortage: Shortage;
  readonly raisedMonoMs: number;
  readonly untilMonoMs: number;
}

/** A kubelet of a starved node tells of a container as late as this, and so long a lease is nobody's. */
const KEPT_MS = 17_000;
const MOST_KEPT = 256;
/** One node can't take the places of the others. */
const MOST_OF_A_NODE = 32;
/** Of its limit: without growth, and without harm done, less is no shortage (the agent's own rule). */
const STANDS_NEAR = 0.9;

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

  keep({ node, bootId, epoch, bootTimeMs }: Batch, shortage: Shortage): void {
    if (shortage.resource !== 'memory') return;
    const nowMs = this.#parts.clock();
    const raisedMonoMs = nowMs - Math.max(0, bootTimeMs - shortage.raisedBootMs);
    const key = `${node}/${shortage.ref}`;
    this.#kept.delete(key);
    this.#kept.set(key, { from: { node, bootId, epoch }, shortage, raisedMonoMs, untilMonoMs: nowMs + KEPT_MS });
    const ofNode = [...this.#kept].filter(([, { from }]) => from.node === node);
    if (ofNode.length > MOST_OF_A_NODE) this.#kept.delete(ofNode[0]![0]);
    for (const oldest of this.#kept.keys()) if (this.#kept.size > MOST_KEPT) this.#kept.delete(oldest);
  }

  /** A pod of this node is known, or known better: what waited for it is raised as of the newest reading. */
  podChanged(nodeName: string): void {
    if (this.#kept.size > 0) this.#try(({ from }) => from.node === nodeName);
  }

  /** This replica is the one that acts from now on. */
  leading(): void {
    this.#try(() => true);
  }

  #try(meant: (early: Early) => boolean): void {
    const nowMs = this.#parts.clock();
    for (const [key, early] of this.#kept) {
      if (nowMs >= early.untilMonoMs || (meant(early) && this.#raise(early, nowMs))) this.#kept.delete(key);
    }
  }

  /** @returns whether it was judged */
  #raise({ from, shortage, raisedMonoMs }: Early, nowMs: number): boolean {
    const { store, wallMs } = this.#parts;
    const place = placeOf(from, shortage.ref, store);
    if (place === undefined) return false;
    const observation = store.observation(place.container.containerId);
    // Its reading is on its way.
    if (observation === undefined || observation.atBootMs < shortage.raisedBootMs) return false;
    const held = observation.memoryCurrentBytes - observation.fileBytes;
    // What was killed at the limit, or missed its cache there, needed what was told: it has given it back by now.
    const need = shortage.kind === 'limit-reached' ? Math.max(shortage.need, held) : held;
    if (!(need >= shortage.limit * STANDS_NEAR)) return true;
    return this.#tell({
      // What it grew by is history.
      shortage: { ...shortage, need, rate: 0 },
      ...place,
      observation,
      node: from.node,
      receivedMonoMs: nowMs,
      receivedWallMs: wallMs(),
      raisedAgoMs: nowMs - raisedMonoMs,
      kept: true,
    });
  }

  /** A bug of who listens is theirs: watches and the lease go on. */
  #tell(event: ShortageEvent): boolean {
    try {
      return this.#parts.onShortage(event);
    } catch (err) {
      this.#parts.log.error({ err, node: event.node }, 'shortage listener failed');
      return true;
    }
  }
}
