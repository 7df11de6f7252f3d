// The rows of this node: refs given once and never again in the epoch, cgroups found and gone, the node itself as ref 0.
// A row that ends is kept until every aggregator has its last peaks and histogram.
import type { CgroupIdentity } from '../cgroup/layout.ts';
import type { Logger } from '../runtime/logger.ts';
import type { RowName } from '../protocol/reply.ts';
import { MAX_ROWS } from '../protocol/bounds.ts';
import type { Identity } from '../protocol/identity.ts';
import type { Clock } from '../runtime/clock.ts';
import { Row } from './row.ts';
import type { RowFiles } from './row.ts';

/** A cgroup as discovery tells of it. */
export interface NewCgroup extends CgroupIdentity {
  readonly path: string;
  /** Unix ms; NaN: not known. */
  readonly startWallMs: number;
}

export interface RosterParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly open: (path: string) => RowFiles;
  /** Processors of the machine: bounds what a cgroup can have used since its birth. */
  readonly cpus: number;
  /** Most rows; one batch takes as many. */
  readonly maxRows?: number;
}

/** A cgroup seen within this time of its birth starts at 0: its first rate needs no second reading. */
const BIRTH_SEEN_MS = 2000;
/** Most ended rows that wait to be told of; the oldest is dropped for a newer one. */
const MAX_ENDED = 512;
/** Aggregators that can be pushed to at a time. */
export const MAX_TALLY_SLOTS = 16;

export class Roster {
  readonly #parts: RosterParts;
  readonly #byRef = new Map<number, Row>();
  readonly #byPath = new Map<string, Row>();
  readonly #ended = new Set<Row>();
  readonly #tallySlots = new Set<number>();
  #nextRef = 1;
  #rows: readonly Row[] | undefined;
  #refused = 0;

  constructor(parts: RosterParts) {
    this.#parts = parts;
  }

  /** Oldest first, the node's own row in front. The array is a snapshot. */
  rows(): readonly Row[] {
    return (this.#rows ??= [...this.#byRef.values()]);
  }

  get(ref: number): Row | undefined {
    return this.#byRef.get(ref);
  }

  /** The row of a cgroup, by its path below the mount. */
  at(cgroup: string): Row | undefined {
    return this.#byPath.get(cgroup);
  }

  /** A place in each row for what one aggregator was not told yet; undefined: all are taken. */
  openTallySlot(): number | undefined {
    let slot = 0;
    while (this.#tallySlots.has(slot)) slot++;
    if (slot >= MAX_TALLY_SLOTS) return undefined;
    this.#tallySlots.add(slot);
    for (const row of this.#all()) row.openTally(slot);
    return slot;
  }

  closeTallySlot(slot: number): void {
    this.#tallySlots.delete(slot);
    for (const row of this.#all()) row.closeTally(slot);
  }

  /** Rows that ended and of which this aggregator was not told everything. */
  ended(slot: number): readonly Row[] {
    if (this.#ended.size === 0) return [];
    for (const row of this.#ended) {
      if ([...this.#tallySlots].every((each) => isTold(row, each))) this.#ended.delete(row);
    }
    return [...this.#ended].filter((row) => !isTold(row, slot));
  }

  /** Cgroups that were left out because the bound was reached. */
  get refused(): number {
    return this.#refused;
  }

  addNode(files: RowFiles): Row {
    const identity = { ref: 0, kind: 'node', podUid: '', containerId: '', cgroup: '', startBootMs: 0 } as const;
    return this.#add(new Row(identity, files, 0, this.#tallySlots, false));
  }

  /**
   * @param early the row is new on a running node: a container is reported at 1 s and 2 s of age
   * @returns undefined when it was gone again, was known already, or the bound is reached
   */
  add(found: NewCgroup, early: boolean): Row | undefined {
    const { clock, log, maxRows = MAX_ROWS } = this.#parts;
    if (this.#byPath.has(found.path)) return undefined;
    if (this.#byRef.size >= maxRows) {
      if (this.#refused++ === 0) log.warn({ rows: maxRows }, 'too many cgroups, further ones are left out');
      return undefined;
    }
    const files = this.#parts.open(found.path);
    const nowBootMs = clock.bootTimeMs();
    const ageMs = clock.wallTimeMs() - found.startWallMs;
    const bornBootMs = ageMs >= 0 ? Math.max(0, nowBootMs - ageMs) : nowBootMs;
    const seenAtBirth = early && ageMs >= 0 && ageMs <= BIRTH_SEEN_MS;
    const sinceBootMs = seenAtBirth ? bornBootMs : nowBootMs;
    const row = new Row(this.#identity(found, bornBootMs), files, sinceBootMs, this.#tallySlots, early);
    if (files.readFast(row.sample, nowBootMs) === 'gone') {
      files.close();
      return undefined;
    }
    if (seenAtBirth && this.#canHaveUsed(row.sample.cpuUsageUs, ageMs)) row.beginAtBirth(bornBootMs);
    return this.#add(row);
  }

  remove(path: string): void {
    const row = this.#byPath.get(path);
    if (!row) return;
    row.files.close();
    this.#byPath.delete(path);
    this.#byRef.delete(row.identity.ref);
    this.#rows = undefined;
    this.#keepEnded(row);
  }

  setNames(names: readonly RowName[]): void {
    for (const name of names) {
      const row = this.#byRef.get(name.ref);
      if (row) row.name = name;
    }
  }

  close(): void {
    for (const row of this.#byRef.values()) row.files.close();
    this.#byRef.clear();
    this.#byPath.clear();
    this.#ended.clear();
    this.#rows = undefined;
  }

  #all(): readonly Row[] {
    return [...this.#byRef.values(), ...this.#ended];
  }

  #keepEnded(row: Row): void {
    if ([...this.#tallySlots].every((slot) => isTold(row, slot))) return;
    for (const oldest of this.#ended) {
      if (this.#ended.size < MAX_ENDED) break;
      this.#ended.delete(oldest);
    }
    this.#ended.add(row);
  }

  #identity(found: NewCgroup, startBootMs: number): Identity {
    return {
      ref: this.#nextRef++,
      kind: found.kind,
      podUid: found.kind === 'slice' ? '' : found.podUid,
      containerId: found.kind === 'container' ? found.containerId : '',
      cgroup: found.path,
      startBootMs: Math.round(startBootMs),
    };
  }

  /** A directory's time can be newer than its counters (it changes with children): then it tells no birth. */
  #canHaveUsed(cpuUsageUs: number, ageMs: number): boolean {
    return cpuUsageUs <= (ageMs + 20) * 1000 * this.#parts.cpus;
  }

  #add(row: Row): Row {
    this.#byRef.set(row.identity.ref, row);
    if (row.identity.ref !== 0) this.#byPath.set(row.identity.cgroup, row);
    this.#rows = undefined;
    return row;
  }
}

/** Whether nothing that the aggregator of this slot has yet to acknowledge is left in the row. */
function isTold(row: Row, slot: number): boolean {
  return (row.tallies[slot]?.isEmpty ?? true) && row.taken[slot] === undefined;
}
