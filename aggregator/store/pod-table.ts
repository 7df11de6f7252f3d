// The API's pods: by uid, by namespace and name (sorted), by container; each holds the slots of its containers on its node.
import type { RowName } from '../../agent/protocol/reply.ts';
import type { PodRecord } from '../kube/records.ts';
import type { PodEntry } from './entries.ts';
import { NO_SLOTS, reshape, runningSlots, sameItem, sameSlots } from './entries.ts';
import { NameIndex } from './name-index.ts';
import type { Leaf } from './name-index.ts';
import type { NodeState } from './node-state.ts';
import { containerKey } from './node-state.ts';
import type { Ref } from './ref-table.ts';

interface Namespace {
  readonly byName: Map<string, PodEntry>;
  readonly index: NameIndex<PodEntry>;
}

export class PodTable {
  readonly #nodeOf: (name: string) => NodeState | undefined;
  readonly #byUid = new Map<string, PodEntry>();
  /** Static pods: the uid that their cgroup path carries. */
  readonly #byConfigHash = new Map<string, PodEntry>();
  readonly #byContainer = new Map<string, PodEntry>();
  /** Whose item changes with a slot, by slot. */
  readonly #owners: (PodEntry | undefined)[] = [];
  readonly #namespaces = new Map<string, Namespace>();
  /** Sorted names of #namespaces; undefined after one came or went. */
  #sortedNames: readonly string[] | undefined;

  constructor(nodeOf: (name: string) => NodeState | undefined) {
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

  /** The pod whose container's points are in the slot, if the API knows it. */
  ownerOf(slot: number): PodEntry | undefined {
    return this.#owners[slot];
  }

  /** Whether the API has the pod of a container's row bound to another node than the one whose agent reports it. */
  isForeign(row: Ref, node: NodeState): boolean {
    const { podUid } = row;
    const pod =
      this.#byContainer.get(node.containerIdOf(row)) ?? this.#byUid.get(podUid) ?? this.#byConfigHash.get(podUid);
    return pod?.node !== undefined && pod.node !== node;
  }

  leaves(namespace?: string): readonly Leaf<PodEntry>[] {
    if (namespace !== undefined) return this.#namespaces.get(namespace)?.index.leaves() ?? [];
    this.#sortedNames ??= [...this.#namespaces.keys()].sort();
    return this.#sortedNames.flatMap((name) => this.#namespaces.get(name)!.index.leaves());
  }

  /** The names of a row of the node's agent, once the API has told them. */
  nameOf(ref: number, row: Ref, node: NodeState): RowName | undefined {
    const isContainer = row.kind === 'container';
    const containerId = node.containerIdOf(row);
    const pod = isContainer
      ? this.#byContainer.get(containerId)
      : (this.#byUid.get(row.podUid) ?? this.#byConfigHash.get(row.podUid));
    if (pod === undefined || pod.node !== node) return undefined;
    const container = pod.record.containers.find((one) => one.containerId === containerId)?.name ?? '';
    return { ref, namespace: pod.record.namespace, pod: pod.record.name, container: isContainer ? container : '' };
  }

  upsert(record: PodRecord): void {
    const known = this.#byUid.get(record.uid);
    if (known !== undefined) {
      const { record: before, slots } = known;
      known.record = record;
      this.#join(known);
      if (!sameItem(before, record) || !sameSlots(slots, known.slots)) reshape(known);
      return;
    }
    // A pod of the same name that was made anew: its predecessor is gone, whatever order the events come in.
    const predecessor = this.byName(record.namespace, record.name);
    if (predecessor !== undefined) this.remove(predecessor.uid);
    const entry: PodEntry = {
      uid: record.uid,
      name: record.name,
      record,
      node: undefined,
      held: NO_SLOTS,
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
    const held = record.containers.map(({ containerId }) => {
      const key = containerKey(containerId);
      return key === '' || node === undefined ? -1 : node.holdAs(key);
    });
    this.#leave(entry);
    entry.node = node;
    entry.held = held;
    entry.slots = runningSlots(record, held);
    if (node === undefined) return;
    node.pods.add(entry);
    node.namesChanged = true;
    for (const [at, slot] of held.entries()) {
      if (slot === -1) continue;
      this.#byContainer.set(record.containers[at]!.containerId, entry);
      this.#owners[slot] = entry;
    }
  }

  #leave(entry: PodEntry): void {
    const { node, held } = entry;
    entry.slots = NO_SLOTS; // a leaf of a list under way may still hold the entry
    if (node === undefined) return;
    node.pods.delete(entry);
    for (const slot of held) {
      if (slot === -1) continue;
      const containerId = node.keyOf(slot);
      if (this.#byContainer.get(containerId) === entry) this.#byContainer.delete(containerId);
      if (this.#owners[slot] === entry) this.#owners[slot] = undefined;
      node.release(slot);
    }
    entry.held = NO_SLOTS;
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
