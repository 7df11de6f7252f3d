// memory.events by inotify: kernfs tells of a change 0.2 to 2 ms after the kernel event, at most once in 10 ms and cgroup.
// Any cgroup v2 kernel, no rights beyond reading. cgroup v1 has no such file.
// What fired is not watched until `rearm()`: a container that reads files without end would wake the agent a hundred times a second.
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { join } from 'node:path';

/** Containers of one node; fs.inotify.max_user_watches is 8192 on small machines and shared with discovery. */
const MOST_WATCHES = 2048;
/** Watched again by one call, some ten microseconds each; the rest by the next. */
const MOST_REARMED = 32;

export class MemoryEventsWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  /** Directories that fired since they were last watched. */
  readonly #fired = new Set<string>();
  readonly #onChange: (directory: string) => void;
  readonly #most: number;
  #cause = '';

  constructor(onChange: (directory: string) => void, mostWatches: number = MOST_WATCHES) {
    this.#onChange = onChange;
    this.#most = mostWatches;
  }

  /** Why not every directory is watched; '' while it is. */
  get cause(): string {
    return this.#cause;
  }

  get size(): number {
    return this.#watchers.size + this.#fired.size;
  }

  /** @param directory of a cgroup on a cgroup2 mount */
  add(directory: string): void {
    if (this.#watchers.has(directory) || this.#fired.has(directory)) return;
    if (this.size >= this.#most) {
      this.#cause = `more than ${this.#most} containers to watch`;
      return;
    }
    this.#watch(directory);
  }

  /** Watches again what fired: to be called each second. Whoever was told looks at the file itself until then. */
  rearm(): void {
    let left = MOST_REARMED;
    for (const directory of this.#fired) {
      if (left-- === 0) return;
      this.#fired.delete(directory);
      this.#watch(directory);
    }
  }

  remove(directory: string): void {
    this.#unwatch(directory);
    this.#fired.delete(directory);
    // Room again; whatever was left out stays with the counters, which are read anyway.
    if (this.size === 0) this.#cause = '';
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#fired.clear();
  }

  #watch(directory: string): void {
    try {
      const watcher = watch(join(directory, 'memory.events'), { persistent: false }, (event) => {
        // The file's end comes as a rename; whoever tracks cgroups removes it. What was read with the first change is behind us.
        if (event === 'change' && this.#watchers.get(directory) === watcher) this.#changed(directory);
      });
      watcher.on('error', () => this.remove(directory));
      this.#watchers.set(directory, watcher);
    } catch (err) {
      this.#cause = causeOf(err as NodeJS.ErrnoException) ?? this.#cause;
    }
  }

  #unwatch(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }

  #changed(directory: string): void {
    this.#unwatch(directory);
    this.#fired.add(directory);
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
