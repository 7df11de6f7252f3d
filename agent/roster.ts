// The rows of this node: refs given once and never again in the epoch, cgroups found and gone, the node itself as ref 0.
import type { CgroupIdentity } from './cgroup/layout.ts';
import type { Logger } from './runtime/logger.ts';
import type { RowName } from './protocol/reply.ts';
import { MAX_ROWS } from './protocol/bounds.ts';
import type { Identity } from './protocol/identity.ts';
import type { Clock } from './runtime/clock.ts';
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
  readonly aggregators: number;
  readonly open: (path: string) => RowFiles;
  /** Processors of the machine: bounds what a cgroup can have used since its birth. */
  readonly cpus: number;
  /** Most rows; one batch takes as many. */
  readonly maxRows?: number;
}

/** A cgroup seen within this time of its birth starts at 0: its first rate needs no second reading. */
const BIRTH_SEEN_MS = 2000;

export class Roster {
  readonly #parts: RosterParts;
  readonly #byRef = new Map<number, Row>();
  readonly #byPath = new Map<string, Row>();
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

  /** Cgroups that were left out because the bound was reached. */
  get refused(): number {
    return this.#refused;
  }

  addNode(files: RowFiles): Row {
    const identity = { ref: 0, kind: 'node', podUid: '', containerId: '', cgroup: '', startBootMs: 0 } as const;
    return this.#add(new Row(identity, files, 0, this.#parts.aggregators, false));
  }

  /**
   * @param early the row is new on a running node: report it at 1 s and 2 s of age
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
    const row = new Row(this.#identity(found, bornBootMs), files, sinceBootMs, this.#parts.aggregators, early);
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
    this.#rows = undefined;
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
