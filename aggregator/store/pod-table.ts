// The API's pods: by uid, by namespace and name (sorted), by container; each holds the slots of its containers on its node.
import type { RowName } from '../../agent/protocol/reply.ts';
import type { PodRecord } from '../kube/records.ts';
import type { PodEntry } from './entries.ts';
import { NO_SLOTS, runningSlots, touch } from './entries.ts';
import { NameIndex } from './name-index.ts';
import type { Leaf } from './name-index.ts';
import type { Ref } from './node-epoch.ts';
import type { NodeState } from './node-state.ts';
import { containerKey } from './node-state.ts';
import type { Encoders } from './views.ts';

interface Namespace {
  readonly byName: Map<string, PodEntry>;
  readonly index: NameIndex<PodEntry>;
}

export class PodTable {
  readonly #encodePod: Encoders['encodePod'];
  readonly #nodeOf: (name: string) => NodeState | undefined;
  readonly #byUid = new Map<string, PodEntry>();
  /** Static pods: the uid that their cgroup path carries. */
  readonly #byConfigHash = new Map<string, PodEntry>();
  readonly #byContainer = new Map<string, PodEntry>();
  readonly #namespaces = new Map<string, Namespace>();
  /** Sorted names of #namespaces; undefined after one came or went. */
  #sortedNames: readonly string[] | undefined;

  constructor(encodePod: Encoders['encodePod'], nodeOf: (name: string) => NodeState | undefined) {
    this.#encodePod = encodePod;
    this.#nodeOf = nodeOf;
  }

  get size(): number {
    return this.#byUid.size;
  }

  byUid(uid: string): PodEntry | undefined {
    return this.#byUid.get(uid);
  }

  byName(namespace: string, name: string): PodEntry | undefined {
    return this.#namespaces.get(namespace)?.byName.get(name);
  }

  ofContainer(containerId: string): PodEntry | undefined {
    return this.#byContainer.get(containerId);
  }

  leaves(namespace?: string): readonly Leaf<PodEntry>[] {
    if (namespace !== undefined) return this.#namespaces.get(namespace)?.index.leaves() ?? [];
    this.#sortedNames ??= [...this.#namespaces.keys()].sort();
    return this.#sortedNames.flatMap((name) => this.#namespaces.get(name)!.index.leaves());
  }

  /** The names of a row of the node's agent, once the API has told them. */
  nameOf(ref: number, row: Ref, node: NodeState): RowName | undefined {
    const isContainer = row.kind === 'container';
    const pod = isContainer
      ? this.#byContainer.get(row.containerId)
      : (this.#byUid.get(row.podUid) ?? this.#byConfigHash.get(row.podUid));
    if (pod === undefined || pod.node !== node) return undefined;
    const container = pod.record.containers.find((one) => one.containerId === row.containerId)?.name ?? '';
    return { ref, namespace: pod.record.namespace, pod: pod.record.name, container: isContainer ? container : '' };
  }

  upsert(record: PodRecord): void {
    const known = this.#byUid.get(record.uid);
    if (known !== undefined) {
      known.record = record;
      known.writer = this.#encodePod(record);
      this.#join(known);
      touch(known);
      return;
    }
    // A pod of the same name that was made anew: its predecessor is gone, whatever order the events come in.
    const predecessor = this.byName(record.namespace, record.name);
    if (predecessor !== undefined) this.remove(predecessor.uid);
    const entry: PodEntry = {
      uid: record.uid,
      name: record.name,
      record,
      writer: this.#encodePod(record),
      node: undefined,
      held: new Map(),
      slots: NO_SLOTS,
      leaf: undefined,
    };
    this.#byUid.set(record.uid, entry);
    if (record.configHash !== undefined) this.#byConfigHash.set(record.configHash, entry);
    const namespace = this.#namespaceOf(record.namespace);
    namespace.byName.set(record.name, entry);
    namespace.index.insert(entry);
    this.#join(entry);
  }

  remove(uid: string): void {
    const entry = this.#byUid.get(uid);
    if (entry === undefined) return;
    const { record } = entry;
    this.#byUid.delete(uid);
    if (record.configHash !== undefined && this.#byConfigHash.get(record.configHash) === entry)
      this.#byConfigHash.delete(record.configHash);
    this.#leave(entry);
    const namespace = this.#namespaces.get(record.namespace)!;
    namespace.byName.delete(record.name);
    namespace.index.remove(entry);
    if (namespace.byName.size > 0) return;
    this.#namespaces.delete(record.namespace);
    this.#sortedNames = undefined;
  }

  /** Holds the slots of the record's containers on its node, then lets go of those of the record before. */
  #join(entry: PodEntry): void {
    const { record } = entry;
    const node = record.nodeName === '' ? undefined : this.#nodeOf(record.nodeName);
    const held = new Map<string, number>();
    for (const { containerId } of record.containers) {
      if (containerId === '' || node === undefined || held.has(containerId)) continue;
      const slot = node.hold(containerKey(containerId));
      if (slot !== -1) held.set(containerId, slot);
    }
    this.#leave(entry);
    entry.node = node;
    entry.held = held;
    entry.slots = runningSlots(record, held);
    if (node === undefined) return;
    node.pods.add(entry);
    node.namesChanged = true;
    for (const [containerId, slot] of held) {
      this.#byContainer.set(containerId, entry);
      node.ownerOf.set(slot, entry);
    }
  }

  #leave(entry: PodEntry): void {
    const { node, held } = entry;
    entry.slots = NO_SLOTS; // a leaf of a list under way may still hold the entry
    if (node === undefined) return;
    node.pods.delete(entry);
    for (const [containerId, slot] of held) {
      if (this.#byContainer.get(containerId) === entry) this.#byContainer.delete(containerId);
      if (node.ownerOf.get(slot) === entry) node.ownerOf.delete(slot);
      node.release(slot);
    }
    entry.held = new Map();
  }

  #namespaceOf(name: string): Namespace {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const made: Namespace = { byName: new Map(), index: new NameIndex() };
    this.#namespaces.set(name, made);
    this.#sortedNames = undefined;
    return made;
  }
}
