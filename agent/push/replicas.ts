// The replicas behind one --aggregator URL: each address that its host name stands for (a headless Service) has a pusher.
// A replica that takes the place of one that went inherits what that one was not told: no gap in its history.
import { isIP } from 'node:net';
import type { Shortage } from '../protocol/shortage.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Roster } from '../store/roster.ts';
import type { Row } from '../store/row.ts';
import type { Timers } from '../tick.ts';
import { jitteredMs } from './backoff.ts';

/** What is needed of a pusher here: pusher.ts. */
export interface ReplicaPusher {
  /** '' while pushes are taken. */
  readonly problem: string;
  /** Where it acts on shortages: the newest is the one that does. */
  readonly fencing: number | undefined;
  start(firstDelayMs: number): void;
  /** Without rows, shortages go with the next push. @returns when it was answered, or failed */
  urgent(rows: Iterable<Row>, shortages: readonly Shortage[]): Promise<void>;
  close(): Promise<void>;
}

/** What can't wait for the next push. */
export interface Urgent {
  /** To report at once. */
  readonly rows: Iterable<Row>;
  /** Those of them that every replica should have soon. */
  readonly forAll: Iterable<Row>;
  readonly shortages: readonly Shortage[];
}

export interface ReplicasParts {
  readonly url: string;
  /** Addresses of a host name. @throws when it can't be resolved now */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly createPusher: (address: string, tallySlot: number) => ReplicaPusher;
  readonly roster: Pick<Roster, 'openTallySlot' | 'closeTallySlot'>;
  readonly timers: Timers;
  readonly log: Logger;
  readonly random: () => number;
}

/** A cluster's DNS gives a headless Service 5–30 s to live; each agent asks on its own. */
const RESOLVE_MS = 15_000;
/** After a failed push: the replica may have moved. Doubled while nothing changes. */
const RESOLVE_SOON_MS = 1000;
/** A slot that nobody took over keeps what it holds as long as the ring reaches back. */
const VACANT_MS = 900_000;
/** A replica found later is pushed to after so long at most: agents of a cluster find it at the same time. */
const NEWCOMER_SPREAD_MS = 1000;
/** The others get their part so much later: nothing is encoded or taken beside the replica that acts while it does, where they share a node. */
const OTHERS_MS = 400;

interface Replica {
  readonly pusher: ReplicaPusher;
  readonly tallySlot: number;
  /** Resolutions in a row that did not name it. */
  unnamed: number;
}

export class Replicas {
  readonly #parts: ReplicasParts;
  readonly #host: string;
  readonly #byAddress = new Map<string, Replica>();
  /** Slots of replicas that went, and since when, ms of the monotonic clock. */
  readonly #vacant = new Map<number, number>();
  #cancel: () => void = () => {};
  #dueMs = Infinity;
  #soonMs = RESOLVE_SOON_MS;
  #firstDueMs = 0;
  #resolving: Promise<void> = Promise.resolve();
  #problem = 'no address yet';
  #saidFull = false;
  #closed = false;
  /** Ends the wait for an answer; each lasts a moment at most. */
  readonly #waits = new Set<() => void>();

  constructor(parts: ReplicasParts) {
    this.#parts = parts;
    this.#host = new URL(parts.url).hostname.replace(/^\[(.*)\]$/, '$1');
  }

  get url(): string {
    return this.#parts.url;
  }

  get addresses(): readonly string[] {
    return [...this.#byAddress.keys()];
  }

  /** What keeps pushes from being taken, a text each. */
  get problems(): readonly string[] {
    const each = [...this.#byAddress].map(([address, { pusher }]) =>
      pusher.problem === '' ? '' : `${address}: ${pusher.problem}`,
    );
    return [this.#problem, ...each].filter((problem) => problem !== '');
  }

  /** @param firstDelayMs until the first regular push */
  start(firstDelayMs: number): void {
    this.#firstDueMs = this.#parts.timers.monotonicMs() + firstDelayMs;
    if (isIP(this.#host) === 0) this.#resolve();
    else this.#resolving = this.#follow([this.#host]);
  }

  /**
   * A shortage to the replica that acts, where one said so; to the others what all of them should have, a moment later. What else there is
   * of it goes with their next regular push.
   */
  urgent({ rows, forAll, shortages }: Urgent): void {
    const pushers = [...this.#byAddress.values()].map(({ pusher }) => pusher);
    const first = shortages.length > 0 ? newestFencing(pushers) : undefined;
    if (!first) {
      for (const pusher of pushers) void pusher.urgent(rows, shortages);
      return;
    }
    const others = pushers.filter((pusher) => pusher !== first);
    const answered = first.urgent(rows, shortages);
    if (others.length === 0) return;
    for (const pusher of others) void pusher.urgent([], shortages);
    void this.#actsAfter(answered, first).then((acts) => {
      // Who fails, hangs or acts no more left it to nobody: another may act by now.
      for (const pusher of others) void pusher.urgent(acts ? forAll : rows, []);
    });
  }

  /** @returns a moment later, or at once where it acts no more, whether it has answered and acts */
  #actsAfter(answered: Promise<void>, first: ReplicaPusher): Promise<boolean> {
    return new Promise((resolve) => {
      let acts = false;
      const over = (): void => {
        cancel();
        this.#waits.delete(over);
        resolve(acts);
      };
      const cancel = this.#parts.timers.after(OTHERS_MS, over);
      this.#waits.add(over);
      void answered.finally(() => {
        acts = first.fencing !== undefined;
        if (!acts) over();
      });
    });
  }

  /** A push failed: the address may be another by now. */
  pushFailed(): void {
    if (this.#closed || isIP(this.#host) !== 0) return;
    const { timers } = this.#parts;
    if (timers.monotonicMs() + this.#soonMs < this.#dueMs) this.#schedule(this.#soonMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    for (const over of this.#waits) over();
    await this.#resolving;
    await Promise.all([...this.#byAddress.values()].map(({ pusher }) => pusher.close()));
  }

  #schedule(delayMs: number): void {
    const { timers } = this.#parts;
    this.#cancel();
    if (this.#closed) return;
    this.#dueMs = timers.monotonicMs() + delayMs;
    this.#cancel = timers.after(delayMs, () => this.#resolve());
  }

  #resolve(): void {
    // While it runs nobody asks for another.
    this.#dueMs = -Infinity;
    this.#resolving = this.#resolveOnce();
  }

  async #resolveOnce(): Promise<void> {
    const { resolve, log, url, random } = this.#parts;
    try {
      const found = await resolve(this.#host);
      if (this.#closed) return;
      if (found.length === 0) throw new Error(`${this.#host} has no address`);
      await this.#follow(found);
    } catch (err) {
      const reason = (err as Error).message;
      if (reason !== this.#problem) log.warn({ aggregator: url, reason }, 'aggregator not resolved');
      this.#problem = reason;
    }
    const healthy = this.problems.length === 0;
    if (healthy) this.#soonMs = RESOLVE_SOON_MS;
    this.#schedule(healthy ? jitteredMs(RESOLVE_MS, random()) : this.#soonMs);
    if (!healthy) this.#soonMs = Math.min(RESOLVE_MS, this.#soonMs * 2);
  }

  async #follow(found: readonly string[]): Promise<void> {
    this.#problem = '';
    const named = new Set(found);
    const dropped: Promise<void>[] = [];
    for (const [address, replica] of this.#byAddress) {
      if (named.has(address)) replica.unnamed = 0;
      // One answer may lack an address; a failing replica that is not named went.
      else if (++replica.unnamed > 1 || replica.pusher.problem !== '') dropped.push(this.#drop(address, replica));
    }
    await Promise.all(dropped);
    if (this.#closed) return;
    for (const address of named) if (!this.#byAddress.has(address)) this.#add(address);
    this.#closeOldVacancies();
  }

  #add(address: string): void {
    const { createPusher, roster, timers, log, url, random } = this.#parts;
    const tallySlot = this.#takeVacant() ?? roster.openTallySlot();
    if (tallySlot === undefined) {
      if (!this.#saidFull) log.warn({ aggregator: url, address }, 'too many aggregators, further ones get no pushes');
      this.#saidFull = true;
      return;
    }
    const pusher = createPusher(address, tallySlot);
    this.#byAddress.set(address, { pusher, tallySlot, unnamed: 0 });
    this.#soonMs = RESOLVE_SOON_MS;
    log.info({ aggregator: url, address }, 'aggregator found');
    const untilFirstMs = this.#firstDueMs - timers.monotonicMs();
    pusher.start(untilFirstMs > 0 ? untilFirstMs : random() * NEWCOMER_SPREAD_MS);
  }

  #takeVacant(): number | undefined {
    for (const slot of this.#vacant.keys()) {
      this.#vacant.delete(slot);
      return slot;
    }
    return undefined;
  }

  async #drop(address: string, { pusher, tallySlot }: Replica): Promise<void> {
    const { log, url, timers } = this.#parts;
    this.#byAddress.delete(address);
    log.info({ aggregator: url, address }, 'aggregator gone');
    await pusher.close();
    this.#vacant.set(tallySlot, timers.monotonicMs());
  }

  #closeOldVacancies(): void {
    const nowMs = this.#parts.timers.monotonicMs();
    for (const [slot, sinceMs] of this.#vacant) {
      if (nowMs - sinceMs < VACANT_MS) continue;
      this.#vacant.delete(slot);
      this.#parts.roster.closeTallySlot(slot);
    }
  }
}

function newestFencing(pushers: readonly ReplicaPusher[]): ReplicaPusher | undefined {
  let newest: ReplicaPusher | undefined;
  for (const pusher of pushers) {
    if (pusher.fencing !== undefined && pusher.fencing > (newest?.fencing ?? -1)) newest = pusher;
  }
  return newest;
}
