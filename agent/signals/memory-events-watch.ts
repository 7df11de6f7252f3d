// memory.events by inotify: kernfs tells of a change 0.2 to 2 ms after the kernel event, at most once in 10 ms and cgroup.
// Any cgroup v2 kernel, no rights beyond reading. cgroup v1 has no such file.
// What fired is not watched until `rearm()`: a container that reads files without end would wake the agent a hundred times a second.
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { join } from 'node:path';

/** Containers of one node; fs.inotify.max_user_watches is 8192 on small machines and shared with discovery. */
const MOST_WATCHES = 2048;
/** Watched again by one call, some ten microseconds each; the rest by the next. */
const MOST_REARMED = 64;

export type OpenWatch = (file: string, heard: (event: 'rename' | 'change') => void) => FSWatcher;

export const openWatch: OpenWatch = (file, heard) => watch(file, { persistent: false }, heard);

export class MemoryEventsWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  /** Directories that fired since they were last watched, or could not be watched. */
  readonly #waiting = new Set<string>();
  readonly #onChange: (directory: string) => void;
  readonly #most: number;
  readonly #open: OpenWatch;
  /** Some were left out because there are too many. */
  #full = false;
  /** Why some that wait could not be watched. */
  #failure = '';

  /** @param options tests give their own */
  constructor(
    onChange: (directory: string) => void,
    options: { readonly most?: number; readonly open?: OpenWatch } = {},
  ) {
    this.#onChange = onChange;
    this.#most = options.most ?? MOST_WATCHES;
    this.#open = options.open ?? openWatch;
  }

  /** Why not every directory is watched; '' while it is. */
  get cause(): string {
    return this.#full ? `more than ${this.#most} containers to watch` : this.#failure;
  }

  get size(): number {
    return this.#watchers.size + this.#waiting.size;
  }

  /** @param directory of a cgroup on a cgroup2 mount */
  add(directory: string): void {
    if (this.#watchers.has(directory) || this.#waiting.has(directory)) return;
    if (this.size >= this.#most) {
      this.#full = true;
      return;
    }
    this.#watch(directory);
  }

  /** Watches again what fired or failed: to be called each second. Whoever was told looks at the file itself until then. */
  rearm(): void {
    for (const directory of [...this.#waiting].slice(0, MOST_REARMED)) {
      this.#waiting.delete(directory);
      this.#watch(directory);
    }
    if (this.#waiting.size === 0) this.#failure = '';
  }

  remove(directory: string): void {
    this.#unwatch(directory);
    this.#waiting.delete(directory);
    // Room again; whatever was left out stays with the counters, which are read anyway.
    if (this.size === 0) this.#full = false;
    if (this.#waiting.size === 0) this.#failure = '';
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#waiting.clear();
  }

  #watch(directory: string): void {
    try {
      const watcher = this.#open(join(directory, 'memory.events'), (event) => {
        // The file's end comes as a rename; whoever tracks cgroups removes it. What was read with the first change is behind us.
        if (event === 'change' && this.#watchers.get(directory) === watcher) this.#changed(directory);
      });
      watcher.on('error', () => this.remove(directory));
      this.#watchers.set(directory, watcher);
    } catch (err) {
      const cause = causeOf(err as NodeJS.ErrnoException);
      if (cause === undefined) return;
      this.#failure = cause;
      this.#waiting.add(directory);
    }
  }

  #unwatch(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }

  #changed(directory: string): void {
    this.#unwatch(directory);
    this.#waiting.add(directory);
    this.#onChange(directory);
  }
}

/** undefined: nothing is wrong with the machine, the cgroup went meanwhile. */
function causeOf(err: NodeJS.ErrnoException): string | undefined {
  switch (err.code) {
    case 'ENOSPC':
      return 'no inotify watches left: raise fs.inotify.max_user_watches';
    case 'EMFILE':
    case 'ENFILE':
      return 'no inotify instances or descriptors left: raise fs.inotify.max_user_instances or the limit of open files';
    case 'EACCES':
    case 'EPERM':
    case 'ENOSYS':
      return `memory.events can't be watched: ${err.message}`;
    default:
      return undefined;
  }
}
