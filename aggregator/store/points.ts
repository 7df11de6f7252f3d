// The numbers of every container, pod cgroup and node: one slot each, one typed array a column, grown by doubling.
// A slot is counted by its holders (an agent's ref table, a pod record) and freed when the last lets go.

/** Columns of a slot; NaN: never read. */
export const POINT_COLUMNS = [
  'pointWallMs', // the point: when it was read, on this process's clock, Unix ms
  'pointMonoMs', // receipt of the point, this process's monotonic clock
  'windowUs',
  'cpuWindowUs',
  'workingSetBytes',
  'swapBytes',
  'levelBootMs', // the levels below: when they were read, the node's CLOCK_BOOTTIME
  'levelMonoMs', // receipt of the levels
  'levelWallMs',
  'memoryCurrentBytes',
  'fileBytes',
  'memoryLimitBytes',
  'cpuLimitMillis',
  'cpuPeakMillis', // highest since the slot was made
  'workingSetPeakBytes',
  'epochOrdinal', // order of the last row: which of the node's epochs, and its sequence number
  'sequence',
] as const;

export type PointColumn = (typeof POINT_COLUMNS)[number];

const FIRST_CAPACITY = 1024;

export class Points {
  readonly column: Record<PointColumn, Float64Array>;
  #holders = new Uint32Array(FIRST_CAPACITY);
  #keys: string[] = [];
  readonly #free: number[] = [];
  readonly #maxSlots: number;
  #used = 0;

  constructor(maxSlots: number) {
    this.#maxSlots = maxSlots;
    const columns = POINT_COLUMNS.map((name) => [name, new Float64Array(FIRST_CAPACITY)] as const);
    this.column = Object.fromEntries(columns) as Record<PointColumn, Float64Array>;
  }

  /** Slots in use. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  /** Slots that were ever in use: the columns are meaningful below this index. */
  get end(): number {
    return this.#used;
  }

  isLive(slot: number): boolean {
    return this.#holders[slot]! > 0;
  }

  keyOf(slot: number): string {
    return this.#keys[slot]!;
  }

  rename(slot: number, key: string): void {
    this.#keys[slot] = key;
  }

  /** A slot with one holder and nothing read yet, or -1 when all are taken. */
  allocate(key: string): number {
    const slot = this.#free.pop() ?? this.#next();
    if (slot === -1) return -1;
    for (const name of POINT_COLUMNS) this.column[name][slot] = NaN;
    this.#holders[slot] = 1;
    this.#keys[slot] = key;
    return slot;
  }

  hold(slot: number): void {
    this.#holders[slot]!++;
  }

  /** @returns true when nobody holds the slot any more: it is free */
  release(slot: number): boolean {
    if (--this.#holders[slot]! > 0) return false;
    this.#keys[slot] = '';
    this.#free.push(slot);
    return true;
  }

  #next(): number {
    if (this.#used === this.#maxSlots) return -1;
    if (this.#used === this.#holders.length) this.#grow(Math.min(this.#maxSlots, this.#used * 2));
    return this.#used++;
  }

  #grow(capacity: number): void {
    for (const name of POINT_COLUMNS) {
      const grown = new Float64Array(capacity);
      grown.set(this.column[name]);
      this.column[name] = grown;
    }
    const holders = new Uint32Array(capacity);
    holders.set(this.#holders);
    this.#holders = holders;
  }
}
