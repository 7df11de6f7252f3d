// The last 15 minutes of one cgroup in 1 s slots of 48 bytes. Chunks are allocated as time passes, so a young container costs
// little, and are freed with the row.
//
// A slot: 2 × float64 (instant, CPU counter), then 8 × uint32. Memory is kept in units of 4 KiB, stall time in ms; counters
// wrap at 2³² − 1, which is kept for "not read".
import { neededMemoryBytes, workingSetBytes } from './cgroup/sample.ts';
import type { Sample } from './cgroup/sample.ts';

export const RING_SLOTS = 900;
export const SLOT_BYTES = 48;
const CHUNK_SLOTS = 180;
/** Pods and slices: enough for the longest window at their cadence; their history is that of their containers. */
export const SUM_RING_SLOTS = CHUNK_SLOTS;
const FLOATS = 2;
const WORDS = 8;
const UNIT_BYTES = 4096;
const NOT_READ = 0xffff_ffff;

interface Chunk {
  readonly floats: Float64Array;
  readonly words: Uint32Array;
}

/** One slot in natural units; NaN: not read. Counters are modulo 2³² − 1. */
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
}

export class Ring {
  readonly #chunks: Chunk[] = [];
  readonly #slots: number;
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
    return this.#chunks.length * CHUNK_SLOTS * SLOT_BYTES;
  }

  /** Appends a reading, over the oldest slot once the ring is full. */
  write(sample: Sample): void {
    const { words, word } = this.#append(sample.atBootMs, sample.cpuUsageUs);
    words[word] = memoryUnits(workingSetBytes(sample));
    words[word + 1] = memoryUnits(sample.memoryCurrentBytes);
    words[word + 2] = memoryUnits(neededMemoryBytes(sample));
    words[word + 3] = counterWord(sample.periods);
    words[word + 4] = counterWord(sample.throttledPeriods);
    words[word + 5] = counterWord(sample.cpuSomeUs / 1000);
    words[word + 6] = counterWord(sample.memorySomeUs / 1000);
    words[word + 7] = counterWord(sample.ioSomeUs / 1000);
  }

  /** A cgroup's counters are 0 when it is made: the birth counts as a reading of the CPU counter. */
  writeBirth(atBootMs: number): void {
    const { words, word } = this.#append(atBootMs, 0);
    words.fill(NOT_READ, word, word + WORDS);
  }

  /** Forgets the series (the counters began anew); the memory is kept. */
  clear(): void {
    this.#next = 0;
    this.#length = 0;
  }

  /** Instant of the slot `age` slots before the newest (0 is the newest); NaN beyond the oldest. */
  atBootMs(age: number): number {
    return this.#float(age, 0);
  }

  cpuUsageUs(age: number): number {
    return this.#float(age, 1);
  }

  slot(age: number): RingSlot | undefined {
    if (age >= this.#length) return undefined;
    const index = this.#indexOf(age);
    const { words } = this.#chunk(index);
    const word = (index % CHUNK_SLOTS) * WORDS;
    return {
      atBootMs: this.atBootMs(age),
      cpuUsageUs: this.cpuUsageUs(age),
      workingSetBytes: wordValue(words[word], UNIT_BYTES),
      memoryCurrentBytes: wordValue(words[word + 1], UNIT_BYTES),
      neededMemoryBytes: wordValue(words[word + 2], UNIT_BYTES),
      periods: wordValue(words[word + 3], 1),
      throttledPeriods: wordValue(words[word + 4], 1),
      cpuSomeMs: wordValue(words[word + 5], 1),
      memorySomeMs: wordValue(words[word + 6], 1),
      ioSomeMs: wordValue(words[word + 7], 1),
    };
  }

  #append(atBootMs: number, cpuUsageUs: number): { words: Uint32Array; word: number } {
    const index = this.#next;
    const { floats, words } = this.#chunk(index);
    const within = index % CHUNK_SLOTS;
    floats[within * FLOATS] = atBootMs;
    floats[within * FLOATS + 1] = cpuUsageUs;
    this.#next = (index + 1) % this.#slots;
    if (this.#length < this.#slots) this.#length++;
    return { words, word: within * WORDS };
  }

  #float(age: number, field: number): number {
    if (age >= this.#length) return NaN;
    const index = this.#indexOf(age);
    return this.#chunk(index).floats[(index % CHUNK_SLOTS) * FLOATS + field] ?? NaN;
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
  const floatCount = CHUNK_SLOTS * FLOATS;
  return {
    floats: new Float64Array(buffer, 0, floatCount),
    words: new Uint32Array(buffer, floatCount * Float64Array.BYTES_PER_ELEMENT, CHUNK_SLOTS * WORDS),
  };
}

function memoryUnits(bytes: number): number {
  return bytes >= 0 ? Math.min(NOT_READ - 1, Math.round(bytes / UNIT_BYTES)) : NOT_READ;
}

function counterWord(value: number): number {
  return value >= 0 && value < Infinity ? Math.floor(value) % NOT_READ : NOT_READ;
}

function wordValue(word: number | undefined, unit: number): number {
  return word === undefined || word === NOT_READ ? NaN : word * unit;
}
