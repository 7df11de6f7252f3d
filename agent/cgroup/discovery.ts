// Which pods and containers there are: the cgroup tree, read once, then followed by inotify, with a slow full scan as a safety net.
// Where inotify runs out (EMFILE, ENOSPC, more directories than may be watched) a fast scan takes over, and says so.
import { readdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { MAX_ROWS } from '../protocol/bounds.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Change } from './changes.ts';
import { Changes } from './changes.ts';
import type { Hierarchy } from './hierarchy.ts';
import { endsDescent, identifyCgroup } from './layout.ts';
import type { CgroupIdentity } from './layout.ts';
import { inodeOf, watchTree } from './tree-watch.ts';
import type { TreeWatch } from './tree-watch.ts';

export interface FoundCgroup extends CgroupIdentity {
  /** Below the mount, without a leading slash. */
  readonly path: string;
  readonly inode: number;
  /** When the directory was made, Unix ms; cgroupfs has no birth time, so the oldest time it does have. */
  readonly startWallMs: number;
}

export interface DiscoveryOptions {
  readonly hierarchy: Hierarchy;
  /** Systemd services, and containers outside pods, count as pods of one container. */
  readonly services: boolean;
  readonly clock?: Pick<Clock, 'wallTimeMs'>;
  readonly log: Logger;
  onFound(cgroup: FoundCgroup): void;
  onGone(path: string): void;
  /** Between full scans while inotify works; without it the scan comes each second at the latest. */
  readonly scanIntervalMs?: number;
  readonly mostWatches?: number;
  readonly mostTracked?: number;
}

/** A batch holds MAX_ROWS rows: one is the node's, some are left for cgroups that end and begin within a push. */
const MOST_TRACKED = MAX_ROWS - 192;
const SCAN_INTERVAL_MS = 30_000;
const SCAN_INTERVAL_WITHOUT_INOTIFY_MS = 1000;
/** While inotify works, a periodic scan reads only directories whose number of children changed, but each so many all of them. */
const WHOLE_SCAN_EVERY = 10;
/** A periodic scan gives the event loop back after so long, and goes on at once: sleeping in between would cost a wake-up a slice. */
const SLICE_MS = 0.3;
/** Kubernetes nests 5 deep; a node inside a container inside a node 11. */
const DEEPEST = 16;

/** Where a tracked cgroup was seen: index into the roots, and the directory's inode there. */
interface Home {
  readonly root: number;
  readonly inode: number;
}

interface Tracked extends Home {
  /** No pod or container can begin inside: not descended into, not watched. */
  readonly leaf: boolean;
}

/** A directory as it was last read. */
interface Listing {
  /** st_nlink: 2 and one a child directory (kernfs and most file systems; 1 where it says nothing). */
  readonly links: number;
  readonly names: readonly string[];
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #clock: Pick<Clock, 'wallTimeMs'>;
  /** cgroup2 first; on hybrid also v1's memory tree, for cgroups that exist in v1 only. */
  readonly #roots: readonly string[];
  readonly #tracked = new Map<string, Tracked>();
  /** By directory; only of those that are watched, so that a change in between is noticed. */
  readonly #listings = new Map<string, Listing>();
  readonly #changes: Changes;
  #watch: TreeWatch | undefined;
  #scans = 0;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: NodeJS.Immediate | undefined;
  #untracked = 0;
  #saidUntracked = false;
  #saidCause = '';

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.#changes = new Changes({
      look: (change) => this.#entryChanged(change),
      onOverflow: () => this.#sweepNow(),
    });
    const { hierarchy } = options;
    this.#roots = [...new Set([hierarchy.path('core', ''), hierarchy.path('memory', '')])];
  }

  /** scan: at least a part of the tree is not watched, `cause` says why. */
  get mode(): 'inotify' | 'scan' {
    return this.cause === '' ? 'inotify' : 'scan';
  }

  get cause(): string {
    return this.#watch?.cause ?? 'not started';
  }

  get tracked(): number {
    return this.#tracked.size;
  }

  /** Cgroups left out because more exist than may be tracked. */
  get untracked(): number {
    return this.#untracked;
  }

  /** Finds what is there (onFound is called before this returns) and follows it from now on. */
  start(): void {
    this.#watch ??= watchTree((directory, name) => {
      // Also of what is more than can be kept: the next scan reads the directory.
      this.#listings.delete(directory);
      this.#changes.note(directory, name);
    }, this.#options.mostWatches);
    this.scan();
    this.#schedule();
  }

  /** Somebody else than inotify knows that a cgroup was made or removed. @param path below the cgroup2 mount */
  hear(path: string): void {
    const root = this.#roots[0];
    if (root === undefined || !path) return;
    const at = path.lastIndexOf('/');
    this.#changes.note(at < 0 ? root : `${root}/${path.slice(0, at)}`, path.slice(at + 1));
  }

  /** One full scan, at once. */
  scan(): void {
    const walk = this.#walk(true);
    while (!walk.next().done);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#sweeping);
    this.#changes.close();
    this.#watch?.close();
    this.#watch = undefined;
    this.#listings.clear();
  }

  #schedule(): void {
    const wishedMs = this.#options.scanIntervalMs ?? SCAN_INTERVAL_MS;
    const delayMs = this.mode === 'scan' ? Math.min(wishedMs, SCAN_INTERVAL_WITHOUT_INOTIFY_MS) : wishedMs;
    this.#timer = setTimeout(() => {
      const whole = this.mode === 'scan' || ++this.#scans % WHOLE_SCAN_EVERY === 0;
      this.#sweep(this.#walk(whole));
    }, delayMs);
    this.#timer.unref();
  }

  /** In place of the next scan, or of one that is under way. */
  #sweepNow(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#sweeping);
    this.#sweep(this.#walk(true));
  }

  /** A full scan in slices. What inotify reports in between is looked at on its own. */
  #sweep(walk: Generator<void>): void {
    const endMs = performance.now() + SLICE_MS;
    while (performance.now() < endMs) if (walk.next().done) return this.#schedule();
    this.#sweeping = setImmediate(() => this.#sweep(walk));
  }

  /** A scan, one yield a directory. @param whole also of directories that look as they did */
  *#walk(whole: boolean): Generator<void> {
    this.#untracked = 0;
    this.#watch?.retry();
    if (whole) {
      this.#listings.clear();
      for (const directory of this.#watch?.directories() ?? []) {
        this.#watch?.check(directory);
        yield;
      }
    }
    for (const path of this.#tracked.keys()) {
      this.#look(path);
      yield;
    }
    for (const root of this.#roots) yield* this.#descend(root, '', 0);
    this.#watch?.settle();
    this.#sayLimits();
  }

  /** The watch comes before the reading, so that nothing falls between the two. */
  *#descend(root: string, path: string, depth: number): Generator<void> {
    const directory = path === '' ? root : `${root}/${path}`;
    const stat = directoryStat(directory);
    if (!stat) return;
    this.#watch?.add(directory, stat.ino);
    const names = this.#childrenOf(directory, stat.nlink);
    yield;
    for (const name of names) {
      const child = path === '' ? name : `${path}/${name}`;
      if (!this.#tracked.has(child)) this.#look(child);
      if (depth < DEEPEST && !this.#isLeaf(child)) yield* this.#descend(root, child, depth + 1);
    }
  }

  #childrenOf(directory: string, links: number): readonly string[] {
    const known = this.#listings.get(directory);
    if (known && known.links === links && links > 1) return known.names;
    const names = childDirectories(directory);
    if (this.#watch && this.mode === 'inotify') this.#listings.set(directory, { links, names });
    return names;
  }

  #entryChanged({ directory, name }: Change): void {
    this.#listings.delete(directory);
    const root = this.#roots.find((root) => directory === root || directory.startsWith(`${root}/`));
    if (root === undefined || this.#watch === undefined) return;
    const path = directory === root ? name : `${directory.slice(root.length + 1)}/${name}`;
    if (inodeOf(`${root}/${path}`) === 0) {
      this.#forget(root, path);
    } else {
      this.#look(path);
      if (!this.#isLeaf(path)) {
        const walk = this.#descend(root, path, path.split('/').length);
        while (!walk.next().done);
      }
    }
    this.#sayLimits();
  }

  /** A directory went, and with it everything below: in this root, perhaps not in the other. */
  #forget(root: string, path: string): void {
    this.#watch?.remove(`${root}/${path}`);
    this.#listings.delete(`${root}/${path}`);
    for (const tracked of this.#tracked.keys()) {
      if (tracked === path || tracked.startsWith(`${path}/`)) this.#look(tracked);
    }
  }

  /** Compares one path with what is known of it: found, gone, made anew under the same name, or the same. */
  #look(path: string): void {
    const known = this.#tracked.get(path);
    const identity = known ? undefined : identifyCgroup(path, this.#options);
    if (!known && !identity) return;
    const home = this.#homeOf(path);
    if (known) {
      if (home?.root === known.root && home.inode === known.inode) return;
      this.#tracked.delete(path);
      this.#options.onGone(path);
    }
    if (home) this.#found(path, identity ?? identifyCgroup(path, this.#options)!, home);
  }

  #isLeaf(path: string): boolean {
    return this.#tracked.get(path)?.leaf ?? endsDescent(path, this.#options);
  }

  #homeOf(path: string): Home | undefined {
    for (const [root, directory] of this.#roots.entries()) {
      const inode = inodeOf(`${directory}/${path}`);
      if (inode !== 0) return { root, inode };
    }
    return undefined;
  }

  #found(path: string, identity: CgroupIdentity, home: Home): void {
    if (this.#tracked.size >= (this.#options.mostTracked ?? MOST_TRACKED)) {
      this.#untracked++;
      return;
    }
    this.#tracked.set(path, { ...home, leaf: endsDescent(path, this.#options) });
    const startWallMs = startOf(`${this.#roots[home.root]}/${path}`) ?? this.#clock.wallTimeMs();
    this.#options.onFound({ ...identity, path, inode: home.inode, startWallMs });
  }

  #sayLimits(): void {
    const { log } = this.#options;
    if (this.#untracked > 0 && !this.#saidUntracked) {
      this.#saidUntracked = true;
      log.warn({ tracked: this.#tracked.size }, 'more cgroups than one node can report: the rest is left out');
    }
    const reason = this.#watch?.cause ?? '';
    if (reason === this.#saidCause) return;
    this.#saidCause = reason;
    if (reason === '') log.info('cgroups are followed by inotify again');
    else log.warn({ reason }, 'cgroups are found by scanning: new ones are seen up to 1 s late');
  }
}

function directoryStat(directory: string): Stats | undefined {
  try {
    const stat = statSync(directory, { throwIfNoEntry: false });
    return stat?.isDirectory() ? stat : undefined;
  } catch {
    return undefined;
  }
}

function childDirectories(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return []; // vanished meanwhile, or not ours to read
  }
}

function startOf(directory: string): number | undefined {
  try {
    const stat = statSync(directory);
    const times = [stat.birthtimeMs, stat.ctimeMs, stat.mtimeMs].filter((time) => time > 0);
    return times.length > 0 ? Math.min(...times) : undefined;
  } catch {
    return undefined;
  }
}
