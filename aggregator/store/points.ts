// The numbers of every container, pod cgroup and node: one slot each, grown by doubling. A slot's numbers lie side by side, because
// a list reads slots in the order of their pods' names, which is none in memory: in a column a field each would be a cache miss.
// A slot is counted by its holders (an agent's ref table, a pod record) and freed when the last lets go.

/** What a list reads and what orders rows, in `point`: 64 bytes. NaN: never read. */
export const POINT_FIELDS = 8;
/** When the point was read, on this process's clock, Unix ms. */
export const POINT_WALL_MS = 0;
/** Receipt of the point, this process's monotonic clock. */
export const POINT_MONO_MS = 1;
export const WINDOW_US = 2;
export const CPU_WINDOW_US = 3;
export const WORKING_SET_BYTES = 4;
export const SWAP_BYTES = 5;
/** Order of the last row: which of the node's epochs, and its sequence number. */
export const EPOCH_ORDINAL = 6;
export const SEQUENCE = 7;

/** What only decisions read, in `level`. NaN: never read. */
export const LEVEL_FIELDS = 9;
/** When the levels were read, the node's CLOCK_BOOTTIME. */
export const LEVEL_BOOT_MS = 0;
/** Receipt of the levels. */
export const LEVEL_MONO_MS = 1;
export const LEVEL_WALL_MS = 2;
export const MEMORY_CURRENT_BYTES = 3;
export const FILE_BYTES = 4;
export const MEMORY_LIMIT_BYTES = 5;
export const CPU_LIMIT_MILLIS = 6;
/** Highest since the slot was made. */
export const CPU_PEAK_MILLIS = 7;
export const WORKING_SET_PEAK_BYTES = 8;

const FIRST_CAPACITY = 1024;

export class Points {
  /** Of slot n from n × POINT_FIELDS on. Another array once the store has grown. */
  point: Float64Array;
  /** Of slot n from n × LEVEL_FIELDS on. */
  level: Float64Array;
  #holders: Uint32Array;
  #keys: string[] = [];
  readonly #free: number[] = [];
  readonly #maxSlots: number;
  #used = 0;

  constructor(maxSlots: number) {
    this.#maxSlots = maxSlots;
    const capacity = Math.min(FIRST_CAPACITY, maxSlots);
    this.point = new Float64Array(capacity * POINT_FIELDS);
    this.level = new Float64Array(capacity * LEVEL_FIELDS);
    this.#holders = new Uint32Array(capacity);
  }

  /** Slots in use. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  /** Slots that were ever in use: the numbers are meaningful below this index. */
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
    this.point.fill(NaN, slot * POINT_FIELDS, (slot + 1) * POINT_FIELDS);
    this.level.fill(NaN, slot * LEVEL_FIELDS, (slot + 1) * LEVEL_FIELDS);
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
    this.point = grown(this.point, capacity * POINT_FIELDS);
    this.level = grown(this.level, capacity * LEVEL_FIELDS);
    const holders = new Uint32Array(capacity);
    holders.set(this.#holders);
    this.#holders = holders;
  }
}

function grown(numbers: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(length);
  longer.set(numbers);
  return longer;
}
