// Objects of the in-memory API: one resourceVersion counter over all kinds, a bounded history per kind for watches.
// Contract: kube-apiserver's list/watch concepts (resourceVersion, 410 when the history no longer reaches back).
import { randomUUID } from 'node:crypto';
import type { KubeObject, NewObject } from './objects.ts';

export type Change =
  | { readonly kind: 'added' | 'deleted'; readonly object: KubeObject; readonly version: number }
  | { readonly kind: 'modified'; readonly object: KubeObject; readonly previous: KubeObject; readonly version: number };

export type Subscription =
  { readonly kind: 'gone'; readonly oldest: number } | { readonly kind: 'open'; readonly close: () => void };

/** Changes kept per resource: a watcher further behind must list again. */
const HISTORY = 1000;

interface Shelf {
  readonly objects: Map<string, KubeObject>;
  readonly history: Change[];
  /** Changes up to and with this version are no longer in `history`. */
  forgottenVersion: number;
  readonly listeners: Set<(change: Change) => void>;
}

export interface ObjectStoreOptions {
  readonly wallTimeMs: () => number;
  /** Most objects of a resource; the oldest make room. Used for events. */
  readonly caps?: Readonly<Record<string, number>>;
}

/** Keys are `namespace/name`, for cluster-scoped kinds `/name`. Listeners run at once, in the writer's turn. */
export class ObjectStore {
  readonly #shelves = new Map<string, Shelf>();
  readonly #options: ObjectStoreOptions;
  #version = 1;

  constructor(options: ObjectStoreOptions) {
    this.#options = options;
  }

  get version(): number {
    return this.#version;
  }

  get(resource: string, namespace: string, name: string): KubeObject | undefined {
    return this.#shelf(resource).objects.get(`${namespace}/${name}`);
  }

  /** In the order of namespace and name. `namespace` undefined: all. */
  list(resource: string, namespace?: string): KubeObject[] {
    const all = [...this.#shelf(resource).objects.entries()];
    const wanted = namespace === undefined ? all : all.filter(([key]) => key.startsWith(`${namespace}/`));
    return wanted.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** @returns undefined where there is one of that name already */
  create(resource: string, given: NewObject): KubeObject | undefined {
    const key = `${given.metadata.namespace ?? ''}/${given.metadata.name}`;
    const shelf = this.#shelf(resource);
    if (shelf.objects.has(key)) return undefined;
    const object = this.#stamped({
      ...given,
      metadata: {
        ...given.metadata,
        uid: given.metadata.uid ?? randomUUID(),
        creationTimestamp: given.metadata.creationTimestamp ?? secondsOf(this.#options.wallTimeMs()),
        resourceVersion: '',
      },
    });
    this.#makeRoom(resource, shelf);
    shelf.objects.set(key, object);
    this.#publish(shelf, { kind: 'added', object, version: this.#version });
    return object;
  }

  /**
   * Replaces an object by `change(object)`; the same object back means no change.
   * @returns the stored object, undefined where there is none of that name
   */
  update(
    resource: string,
    namespace: string,
    name: string,
    change: (current: KubeObject) => KubeObject,
  ): KubeObject | undefined {
    const shelf = this.#shelf(resource);
    const key = `${namespace}/${name}`;
    const previous = shelf.objects.get(key);
    if (!previous) return undefined;
    const next = change(previous);
    if (next === previous) return previous;
    const object = this.#stamped(next);
    shelf.objects.set(key, object);
    this.#publish(shelf, { kind: 'modified', object, previous, version: this.#version });
    return object;
  }

  remove(resource: string, namespace: string, name: string): KubeObject | undefined {
    const shelf = this.#shelf(resource);
    const found = shelf.objects.get(`${namespace}/${name}`);
    if (!found) return undefined;
    shelf.objects.delete(`${namespace}/${name}`);
    const object = this.#stamped(found);
    this.#publish(shelf, { kind: 'deleted', object, version: this.#version });
    return object;
  }

  /** Changes after `sinceVersion`, the ones already made first. */
  subscribe(resource: string, sinceVersion: number, listener: (change: Change) => void): Subscription {
    const shelf = this.#shelf(resource);
    // A version from the future is one of an API server that ran before this one.
    if (sinceVersion < shelf.forgottenVersion || sinceVersion > this.#version) {
      return { kind: 'gone', oldest: shelf.forgottenVersion };
    }
    for (const change of shelf.history) if (change.version > sinceVersion) listener(change);
    shelf.listeners.add(listener);
    return { kind: 'open', close: () => void shelf.listeners.delete(listener) };
  }

  #shelf(resource: string): Shelf {
    let shelf = this.#shelves.get(resource);
    if (!shelf) {
      shelf = { objects: new Map(), history: [], forgottenVersion: 0, listeners: new Set() };
      this.#shelves.set(resource, shelf);
    }
    return shelf;
  }

  #stamped(object: KubeObject): KubeObject {
    this.#version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }

  #makeRoom(resource: string, shelf: Shelf): void {
    const cap = this.#options.caps?.[resource] ?? Infinity;
    while (shelf.objects.size >= cap) {
      const oldest = shelf.objects.values().next().value!;
      this.remove(resource, oldest.metadata.namespace ?? '', oldest.metadata.name);
    }
  }

  #publish(shelf: Shelf, change: Change): void {
    shelf.history.push(change);
    if (shelf.history.length > HISTORY) shelf.forgottenVersion = shelf.history.shift()!.version;
    for (const listener of shelf.listeners) listener(change);
  }
}

/** RFC 3339 in whole seconds, as meta/v1 Time is written. */
export function secondsOf(wallTimeMs: number): string {
  return `${new Date(wallTimeMs).toISOString().slice(0, 19)}Z`;
}
