// What inotify tells, kept until it is looked at. libuv hands over events for as long as there are any before it lets timers and sockets
// have a turn: a look that takes longer than events take to come, as on a starved node where containers come and go, would hold the agent.

export interface Change {
  readonly directory: string;
  readonly name: string;
}

/** Entries; a node's containers are fewer. */
const MOST_CHANGES = 8192;
/** Then the event loop has its turn. A look at a new container opens its files: some tenths of a millisecond. */
const SLICE_MS = 0.5;

export interface ChangesOptions {
  readonly look: (change: Change) => void;
  /** More came than is kept: everything has to be looked at. */
  readonly onOverflow: () => void;
  readonly mostChanges?: number;
  readonly nowMs?: () => number;
}

export class Changes {
  readonly #options: ChangesOptions;
  /** By path, oldest first: what happened to it twice is looked at once. */
  readonly #waiting = new Map<string, Change>();
  #turn: NodeJS.Immediate | undefined;
  #overflowed = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  note(directory: string, name: string): void {
    const path = `${directory}/${name}`;
    // A path made anew has to be looked at after its parent, which may have been made anew too.
    this.#waiting.delete(path);
    if (this.#waiting.size >= (this.#options.mostChanges ?? MOST_CHANGES)) this.#overflowed = true;
    else this.#waiting.set(path, { directory, name });
    this.#turn ??= setImmediate(() => this.#look());
  }

  close(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#waiting.clear();
    this.#overflowed = false;
  }

  /** One slice, at least one look. */
  #look(): void {
    const { look, onOverflow, nowMs = () => performance.now() } = this.#options;
    const endMs = nowMs() + SLICE_MS;
    for (const [path, change] of this.#waiting) {
      this.#waiting.delete(path);
      look(change);
      if (nowMs() >= endMs) break;
    }
    this.#turn = this.#waiting.size > 0 ? setImmediate(() => this.#look()) : undefined;
    if (this.#turn !== undefined || !this.#overflowed) return;
    this.#overflowed = false;
    onOverflow();
  }
}
