// inotify on a bounded number of cgroup directories (fs.watch, one inotify instance for all). cgroupfs reports mkdir and rmdir
// like any file system; event files in a watched directory report too and are passed over. A container that meets its limit without end
// has its pod and all above report a hundred times a second: where the addon is there, it keeps those from waking the agent.
import { statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';

/** About 1 KiB of kernel memory each; fs.inotify.max_user_watches is 8192 on small machines. */
const MOST_WATCHES = 4096;

/** Of a directory that is watched already: only its entries from now on. @returns 0, or the error number */
export type WatchEntries = (directory: string) => number;

let watchEntries: WatchEntries | undefined;

/** Directories are watched by this from now on; undefined: changes of their files are heard, and passed over. */
export function watchByEntries(narrow: WatchEntries | undefined): void {
  watchEntries = narrow;
}

export interface TreeWatch {
  /** Watches a directory unless it is watched already or watches have run out. Made anew under its old name, it is watched anew. @param inode if known */
  add(directory: string, inode?: number): void;
  remove(directory: string): void;
  /** The directories that are watched. */
  directories(): readonly string[];
  /** Ends the watch of a directory that went or was made anew: cgroupfs tells the watch nothing of its own directory's end. */
  check(directory: string): void;
  /** Lets `add` try again after watches had run out ... */
  retry(): void;
  /** ... and says that everything was added since: if nothing failed, everything is watched again. */
  settle(): void;
  close(): void;
  /** Why not everything is watched; '' while it is. */
  readonly cause: string;
}

interface Watched {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

/** @param onEntry something named `name` was made, removed or renamed in `directory` */
export function watchTree(
  onEntry: (directory: string, name: string) => void,
  mostWatches: number = MOST_WATCHES,
): TreeWatch {
  const watched = new Map<string, Watched>();
  let cause = '';
  let exhausted = false;
  const exhaust = (reason: string): void => {
    exhausted = reason !== '';
    if (exhausted) cause = reason;
  };
  const remove = (directory: string): void => {
    watched.get(directory)?.watcher.close();
    watched.delete(directory);
  };
  const check = (directory: string, inode?: number): void => {
    const known = watched.get(directory);
    if (known && known.inode !== (inode ?? inodeOf(directory))) remove(directory);
  };
  const add = (directory: string, inode?: number): void => {
    check(directory, inode);
    if (watched.has(directory) || exhausted) return;
    if (watched.size >= mostWatches) return exhaust(`more than ${mostWatches} directories to watch`);
    try {
      const watcher = watch(directory, { persistent: false }, (event, name) => {
        if (event === 'rename' && name !== null) onEntry(directory, name);
      });
      watchEntries?.(directory); // refused: it went meanwhile, or is heard as before
      watched.set(directory, { watcher, inode: inode ?? inodeOf(directory) });
      watcher.on('error', () => remove(directory));
    } catch (err) {
      exhaust(causeOf(err as NodeJS.ErrnoException));
    }
  };
  return {
    get cause() {
      return cause;
    },
    add,
    remove,
    directories: () => [...watched.keys()],
    check: (directory) => check(directory),
    retry: () => void (exhausted = false),
    settle() {
      if (!exhausted) cause = '';
    },
    close() {
      for (const { watcher } of watched.values()) watcher.close();
      watched.clear();
    },
  };
}

/** 0: no such directory, or none that may be looked at. */
export function inodeOf(directory: string): number {
  try {
    const stat = statSync(directory, { throwIfNoEntry: false });
    return stat?.isDirectory() ? stat.ino : 0;
  } catch {
    return 0;
  }
}

/** '' when the directory itself is at fault: it vanished or may not be read. */
function causeOf(err: NodeJS.ErrnoException): string {
  if (err.code === 'ENOSPC') return 'no inotify watches left: raise fs.inotify.max_user_watches';
  if (err.code === 'EMFILE' || err.code === 'ENFILE') {
    return 'no inotify instances or descriptors left: raise fs.inotify.max_user_instances or the limit of open files';
  }
  if (err.code === 'ENOSYS') return 'this kernel has no inotify';
  return '';
}
