// Says a thing once in a while: remembers keys for a time, at most so many of them.

export class Recent {
  readonly #seenMs = new Map<string, number>();
  readonly #keepMs: number;
  readonly #most: number;

  constructor(keepMs: number, most: number) {
    this.#keepMs = keepMs;
    this.#most = most;
  }

  get size(): number {
    return this.#seenMs.size;
  }

  /** Whether `key` was not seen within the time; it counts as seen now if so. */
  isNew(key: string, nowMs: number): boolean {
    const seenMs = this.#seenMs.get(key);
    if (seenMs !== undefined && nowMs - seenMs < this.#keepMs) return false;
    this.#seenMs.delete(key);
    this.#seenMs.set(key, nowMs);
    if (this.#seenMs.size > this.#most) for (const oldest of this.#seenMs.keys()) return this.#drop(oldest);
    return true;
  }

  /** It counts as new again. */
  forget(key: string): void {
    this.#seenMs.delete(key);
  }

  #drop(key: string): true {
    this.#seenMs.delete(key);
    return true;
  }
}
