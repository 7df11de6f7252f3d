// What the store knows of one node: its agent's epoch, the slots of its cgroups, the pods bound to it.
// Slots are found by the node and the cgroup's id, so that one node's agent can't write the points of another's containers.
import type { Identity } from '../../agent/protocol/identity.ts';
import type { NodeEntry, PodEntry } from './entries.ts';
import type { Ref } from './node-epoch.ts';
import { NodeEpoch } from './node-epoch.ts';
import type { Points } from './points.ts';

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
  readonly #slots = new Map<string, number>();

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
    if (slot === -1 || !this.#slots.delete(key)) return slot;
    this.#slots.set(key, slot);
    this.#points.rename(slot, key);
    return slot;
  }

  /** The slot of a cgroup, held once more; -1 when there is no room. */
  hold(key: string): number {
    const known = this.#slots.get(key);
    if (known !== undefined) {
      this.#points.hold(known);
      return known;
    }
    const slot = this.#points.allocate(key);
    if (slot !== -1) this.#slots.set(key, slot);
    return slot;
  }

  release(slot: number): void {
    if (slot === -1) return;
    const key = this.#points.keyOf(slot);
    if (this.#points.release(slot)) this.#slots.delete(key);
  }

  /** Takes up refs; one that is repeated is told its name again. */
  introduce(identities: readonly Identity[]): void {
    const { refs, untold, ended } = this.agent;
    let uid = '';
    for (const identity of identities) {
      if (ended.has(identity.ref)) continue; // an overtaken batch
      const key = keyOf(identity);
      const before = refs.get(identity.ref);
      const slot = key === '' ? -1 : this.hold(key);
      if (before !== undefined) this.release(before.slot);
      const { kind, podUid } = identity;
      if (uid !== podUid) uid = podUid; // a pod's containers follow it: one text for all
      refs.set(identity.ref, { kind, podUid: uid, slot });
      if (kind === 'container' || kind === 'pod') untold.add(identity.ref);
    }
    this.namesChanged = true;
  }

  endRefs(gone: readonly number[]): void {
    for (const ref of gone) {
      this.#forget(ref, this.agent.refs.get(ref));
      this.agent.end(ref);
    }
  }

  /** The epoch's refs are let go; pods keep the slots of their containers. */
  forgetRefs(): void {
    for (const [ref, known] of this.agent.refs) this.#forget(ref, known);
  }

  #forget(ref: number, known: Ref | undefined): void {
    if (known === undefined) return;
    this.agent.refs.delete(ref);
    this.agent.untold.delete(ref);
    this.release(known.slot);
  }
}

/** Key of the node's own slot; those of containers are their ids. */
export const NODE_KEY = '(node)';

/** '' for what is no id of a container. */
export function containerKey(containerId: string): string {
  return containerId === NODE_KEY ? '' : containerId;
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
