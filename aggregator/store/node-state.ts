// What the store knows of one node: its agent's epoch, the slots of its cgroups, the pods bound to it.
// Slots are found by the node and the cgroup's id, so that one node's agent can't write the points of another's containers.
import type { Identity } from '../../agent/protocol/identity.ts';
import type { NodeEntry, PodEntry } from './entries.ts';
import { NodeEpoch } from './node-epoch.ts';
import type { Points } from './points.ts';
import type { Ref } from './ref-table.ts';

export class NodeState {
  readonly name: string;
  readonly agent = new NodeEpoch();
  readonly pods = new Set<PodEntry>();
  /** Set while the API knows the node. */
  entry: NodeEntry | undefined;
  /** Receipt of the newest batch, monotonic ms; NaN before the first. */
  heardMonoMs = NaN;
  /** The agent's wall clock minus this process's, at receipt of the newest batch, ms. */
  skewMs = NaN;
  /** A pod record has changed since the agent was last told names. */
  namesChanged = false;
  readonly #points: Points;
  /** Its slots, by key: a Map of them would take six times the memory. */
  readonly #slots: number[] = [];

  constructor(name: string, points: Points) {
    this.name = name;
    this.#points = points;
  }

  keyOf(slot: number): string {
    return this.#points.keyOf(slot);
  }

  /** '' where its points are not kept. */
  containerIdOf({ kind, slot }: Ref): string {
    return kind === 'container' && slot !== -1 ? this.#points.keyOf(slot) : '';
  }

  /** As `hold`; from now on the slot's key is this very text, so that of many equal ones one is kept. */
  holdAs(key: string): number {
    const slot = this.hold(key);
    if (slot !== -1) this.#points.rename(slot, key);
    return slot;
  }

  /** The slot of a cgroup, held once more; -1 when there is no room. */
  hold(key: string): number {
    const at = this.#position(key);
    const known = this.#slots[at];
    if (known !== undefined && this.#points.keyOf(known) === key) {
      this.#points.hold(known);
      return known;
    }
    const slot = this.#points.allocate(key);
    if (slot !== -1) this.#slots.splice(at, 0, slot);
    return slot;
  }

  release(slot: number): void {
    if (slot === -1) return;
    const at = this.#position(this.#points.keyOf(slot)); // a freed slot has no key
    if (this.#points.release(slot)) this.#slots.splice(at, 1);
  }

  /**
   * Takes up refs; one that is repeated is told its name again.
   * @param sameText the text of a pod's uid that is kept already, so that of many equal ones one is
   */
  introduce(identities: readonly Identity[], sameText: (podUid: string) => string): void {
    const { refs, untold, ended } = this.agent;
    let [given, uid] = ['', ''];
    for (const identity of identities) {
      if (ended.has(identity.ref)) continue; // an overtaken batch
      const key = keyOf(identity);
      const before = refs.get(identity.ref);
      const slot = key === '' ? -1 : this.hold(key);
      if (before !== undefined) this.release(before.slot);
      const { kind, podUid } = identity;
      // A pod's containers follow it.
      if (given !== podUid) [given, uid] = [podUid, podUid.length > MAX_ID ? '' : sameText(podUid)];
      refs.set(identity.ref, { kind, podUid: uid, slot });
      if (kind === 'container' || kind === 'pod') untold.add(identity.ref);
    }
    this.namesChanged = true;
  }

  endRefs(gone: readonly number[]): void {
    const { refs, untold } = this.agent;
    for (const ref of gone) {
      const known = refs.get(ref);
      refs.delete(ref);
      untold.delete(ref);
      if (known !== undefined) this.release(known.slot);
      this.agent.end(ref);
    }
  }

  /** The epoch's refs are let go; pods keep the slots of their containers. */
  forgetRefs(): void {
    for (const { slot } of this.agent.refs.clear()) this.release(slot);
    this.agent.untold.clear();
  }

  /** Of the first slot whose key is not below `key`. */
  #position(key: string): number {
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#points.keyOf(this.#slots[middle]!) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Key of the node's own slot; those of containers are their ids. */
export const NODE_KEY = '(node)';

/** Characters of an id: a container's has 64, a pod's uid 36. A node may lie, and what is kept of each of its refs must stay small. */
const MAX_ID = 128;

/** '' for what is no id of a container. */
export function containerKey(containerId: string): string {
  return containerId === NODE_KEY || containerId.length > MAX_ID ? '' : containerId;
}

/** '' for rows whose points are not kept: nothing reads those of slices and of pods' own cgroups yet. */
function keyOf(identity: Identity): string {
  switch (identity.kind) {
    case 'node':
      return NODE_KEY;
    case 'container':
      return containerKey(identity.containerId);
    case 'pod':
    case 'slice':
      return '';
  }
}
