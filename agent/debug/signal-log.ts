// The last signals and shortages, for the page and its stream. Bounded: the oldest makes room.

export interface SignalEntry {
  /** Grows by one with each entry of this process. */
  readonly id: number;
  /** CLOCK_BOOTTIME and wall clock of the moment it was noted, ms. */
  readonly atBootMs: number;
  readonly atWallMs: number;
  /** Row that it is about; -1: the node. */
  readonly ref: number;
  /** 'shortage', or the name of a kernel signal. */
  readonly kind: string;
  readonly resource: string;
  /** One sentence for people. */
  readonly text: string;
}

export type NewSignal = Omit<SignalEntry, 'id'>;

const MOST_KEPT = 512;
const MOST_LISTENERS = 16;

export class SignalLog {
  readonly #kept: SignalEntry[] = [];
  readonly #listeners = new Set<(entry: SignalEntry) => void>();
  #nextId = 1;

  get listening(): number {
    return this.#listeners.size;
  }

  /** Oldest first. @param afterId only newer ones */
  entries(afterId = 0): readonly SignalEntry[] {
    return this.#kept.filter(({ id }) => id > afterId);
  }

  note(signal: NewSignal): void {
    const entry = { id: this.#nextId++, ...signal };
    this.#kept.push(entry);
    if (this.#kept.length > MOST_KEPT) this.#kept.shift();
    for (const listener of this.#listeners) listener(entry);
  }

  /** @returns ends it; undefined: too many listen already */
  listen(listener: (entry: SignalEntry) => void): (() => void) | undefined {
    if (this.#listeners.size >= MOST_LISTENERS) return undefined;
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
