// The last 15 minutes of one cgroup in 1 s slots of 40 bytes. Chunks are allocated as time passes, so a young container costs
// little, and are freed with the row.
//
// A slot: float64 (CPU counter, µs), 7 × uint32 (instant in 0.1 ms, three memory sizes in 4 KiB, three stall times in ms) and
// 2 × uint16 (period counters). Integers wrap below their largest value, which is kept for "not read"; within 15 minutes
// differences stay unambiguous.
import { neededMemoryBytes, workingSetBytes } from '../cgroup/sample.ts';
import type { Sample } from '../cgroup/sample.ts';

export const RING_SLOTS = 900;
export const SLOT_BYTES = 40;
const CHUNK_SLOTS = 180;
/** Pods and slices: enough for the longest window at their cadence; their history is that of their containers. */
export const SUM_RING_SLOTS = CHUNK_SLOTS;
const WORDS = 7;
const HALVES = 2;
const UNIT_BYTES = 4096;
const UNITS_PER_MS = 10;
const NOT_READ = 0xffff_ffff;
const HALF_NOT_READ = 0xffff;

interface Chunk {
  readonly cpuUsageUs: Float64Array;
  readonly words: Uint32Array;
  readonly halves: Uint16Array;
  /** Waits for a CPU in ms: only where eBPF tells them and there were some, so that nobody else pays for them. */
  waits: Uint32Array | undefined;
}

const NO_CHUNK: Chunk = {
  cpuUsageUs: new Float64Array(0),
  words: new Uint32Array(0),
  halves: new Uint16Array(0),
  waits: undefined,
};

/** One slot in natural units; NaN: not read. Stall times are modulo 2³² − 1, periods modulo 2¹⁶ − 1. */
export interface RingSlot {
  readonly atBootMs: number;
  readonly cpuUsageUs: number;
  readonly workingSetBytes: number;
  readonly memoryCurrentBytes: number;
  readonly neededMemoryBytes: number;
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly cpuSomeMs: number;
  readonly memorySomeMs: number;
  readonly ioSomeMs: number;
  /** Of the tasks for a CPU, a sum over all of them. */
  readonly waitMs: number;
}

export class Ring {
  readonly #chunks: Chunk[] = [];
  readonly #slots: number;
  #written: Chunk = NO_CHUNK;
  #newestBootMs = NaN;
  #next = 0;
  #length = 0;

  /** @param slots at most this many: RING_SLOTS for a container, SUM_RING_SLOTS for what sums containers up */
  constructor(slots: number = RING_SLOTS) {
    this.#slots = slots;
  }

  /** Slots written, at most the ring's size. */
  get length(): number {
    return this.#length;
  }

  /** Bytes held now. */
  get allocatedBytes(): number {
    const waits = this.#chunks.reduce((sum, chunk) => sum + (chunk.waits?.byteLength ?? 0), 0);
    return this.#chunks.length * CHUNK_SLOTS * SLOT_BYTES + waits;
  }

  /** Appends a reading, over the oldest slot once the ring is full. */
  write(sample: Sample): void {
    const within = this.#append(sample.atBootMs, sample.cpuUsageUs);
    const { words, halves } = this.#written;
    const word = within * WORDS;
    words[word + 1] = memoryUnits(workingSetBytes(sample));
    words[word + 2] = memoryUnits(sample.memoryCurrentBytes);
    words[word + 3] = memoryUnits(neededMemoryBytes(sample));
    words[word + 4] = counter(sample.cpuSomeUs / 1000, NOT_READ);
    words[word + 5] = counter(sample.memorySomeUs / 1000, NOT_READ);
    words[word + 6] = counter(sample.ioSomeUs / 1000, NOT_READ);
    halves[within * HALVES] = counter(sample.periods, HALF_NOT_READ);
    halves[within * HALVES + 1] = counter(sample.throttledPeriods, HALF_NOT_READ);
    if (sample.waitMs > 0) this.#written.waits ??= new Uint32Array(CHUNK_SLOTS).fill(NOT_READ);
    if (this.#written.waits) this.#written.waits[within] = counter(sample.waitMs, NOT_READ);
  }

  /** A cgroup's counters are 0 when it is made: the birth counts as a reading of the CPU counter. */
  writeBirth(atBootMs: number): void {
    const within = this.#append(atBootMs, 0);
    this.#written.words.fill(NOT_READ, within * WORDS + 1, (within + 1) * WORDS);
    this.#written.halves.fill(HALF_NOT_READ, within * HALVES, (within + 1) * HALVES);
    this.#written.waits?.fill(NOT_READ, within, within + 1);
  }

  /** Forgets the series (the counters began anew); the memory is kept. */
  clear(): void {
    this.#next = 0;
    this.#length = 0;
  }

  /** Instant of the slot `age` slots before the newest (0 is the newest); NaN beyond the oldest. */
  atBootMs(age: number): number {
    if (age >= this.#length) return NaN;
    return this.#newestBootMs - this.#unitsBack(this.#indexOf(age)) / UNITS_PER_MS;
  }

  cpuUsageUs(age: number): number {
    if (age >= this.#length) return NaN;
    const index = this.#indexOf(age);
    return this.#chunk(index).cpuUsageUs[index % CHUNK_SLOTS] ?? NaN;
  }

  neededMemoryBytes(age: number): number {
    if (age >= this.#length) return NaN;
    const index = this.#indexOf(age);
    return natural(this.#chunk(index).words[(index % CHUNK_SLOTS) * WORDS + 3], NOT_READ, UNIT_BYTES);
  }

  slot(age: number): RingSlot | undefined {
    if (age >= this.#length) return undefined;
    const index = this.#indexOf(age);
    const { words, halves, waits } = this.#chunk(index);
    const word = (index % CHUNK_SLOTS) * WORDS;
    const half = (index % CHUNK_SLOTS) * HALVES;
    return {
      atBootMs: this.atBootMs(age),
      cpuUsageUs: this.cpuUsageUs(age),
      workingSetBytes: natural(words[word + 1], NOT_READ, UNIT_BYTES),
      memoryCurrentBytes: natural(words[word + 2], NOT_READ, UNIT_BYTES),
      neededMemoryBytes: natural(words[word + 3], NOT_READ, UNIT_BYTES),
      periods: natural(halves[half], HALF_NOT_READ, 1),
      throttledPeriods: natural(halves[half + 1], HALF_NOT_READ, 1),
      cpuSomeMs: natural(words[word + 4], NOT_READ, 1),
      memorySomeMs: natural(words[word + 5], NOT_READ, 1),
      ioSomeMs: natural(words[word + 6], NOT_READ, 1),
      waitMs: natural(waits?.[index % CHUNK_SLOTS], NOT_READ, 1),
    };
  }

  /** @returns the slot's place in the chunk, which `#written` then is */
  #append(atBootMs: number, cpuUsageUs: number): number {
    const index = this.#next;
    const within = index % CHUNK_SLOTS;
    this.#written = this.#chunk(index);
    this.#written.cpuUsageUs[within] = cpuUsageUs;
    this.#written.words[within * WORDS] = instantUnits(atBootMs);
    this.#newestBootMs = atBootMs;
    this.#next = (index + 1) % this.#slots;
    if (this.#length < this.#slots) this.#length++;
    return within;
  }

  #unitsBack(index: number): number {
    const units = this.#chunk(index).words[(index % CHUNK_SLOTS) * WORDS] ?? 0;
    return (instantUnits(this.#newestBootMs) - units) >>> 0;
  }

  #indexOf(age: number): number {
    return (this.#next - 1 - age + 2 * this.#slots) % this.#slots;
  }

  #chunk(index: number): Chunk {
    const which = Math.floor(index / CHUNK_SLOTS);
    return (this.#chunks[which] ??= newChunk());
  }
}

function newChunk(): Chunk {
  const buffer = new ArrayBuffer(CHUNK_SLOTS * SLOT_BYTES);
  const wordsAt = CHUNK_SLOTS * Float64Array.BYTES_PER_ELEMENT;
  const halvesAt = wordsAt + CHUNK_SLOTS * WORDS * Uint32Array.BYTES_PER_ELEMENT;
  return {
    cpuUsageUs: new Float64Array(buffer, 0, CHUNK_SLOTS),
    words: new Uint32Array(buffer, wordsAt, CHUNK_SLOTS * WORDS),
    halves: new Uint16Array(buffer, halvesAt, CHUNK_SLOTS * HALVES),
    waits: undefined,
  };
}

/** 0.1 ms, modulo 2³². */
function instantUnits(bootMs: number): number {
  return Math.round(bootMs * UNITS_PER_MS) % 2 ** 32;
}

function memoryUnits(bytes: number): number {
  return bytes >= 0 ? Math.min(NOT_READ - 1, Math.round(bytes / UNIT_BYTES)) : NOT_READ;
}

function counter(value: number, notRead: number): number {
  return value >= 0 && value < Infinity ? Math.floor(value) % notRead : notRead;
}

function natural(stored: number | undefined, notRead: number, unit: number): number {
  return stored === undefined || stored === notRead ? NaN : stored * unit;
}
