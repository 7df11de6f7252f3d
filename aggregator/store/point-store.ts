// What the aggregator knows now: the newest point of every container and node, joined with the API's pods and nodes.
// A silent node's points are served, with their true time, until they are stale (the age at receipt counts, on clocks that
// no wall clock can move); an older batch never overwrites a newer point; a pod is served only when all that runs in it has a point.
import type { Batch } from '../../agent/protocol/batch.ts';
import type { RowName } from '../../agent/protocol/reply.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import type { NodeRecord, PodRecord } from '../kube/records.ts';
import type { Entry, NodeEntry } from './entries.ts';
import { heldSlot, NO_SLOTS, reshape, touch } from './entries.ts';
import type { NodeGap, PodGap } from './gaps.ts';
import { nodeGap, podGap } from './gaps.ts';
import { ItemBytes } from './item-bytes.ts';
import { NameIndex } from './name-index.ts';
import type { Leaf } from './name-index.ts';
import { knowsRefs, MAX_REFS } from './node-epoch.ts';
import { NODE_KEY, NodeState } from './node-state.ts';
import type { Observation } from './observation.ts';
import { observationAt } from './observation-at.ts';
import { PodTable } from './pod-table.ts';
import {
  CPU_PEAK_MILLIS,
  LEVEL_FIELDS,
  POINT_FIELDS,
  POINT_MONO_MS,
  Points,
  WORKING_SET_PEAK_BYTES,
} from './points.ts';
import type { Receipt } from './row.ts';
import { LIMIT_CHANGED, POINT_CHANGED, writeRow } from './row.ts';
import type { Scraped, ScrapeStored } from './scraped.ts';
import { writeScraped } from './scraped.ts';
import type { Encoders, Encoding, ItemEncoding, ItemSource, StoredItem, Stretch } from './views.ts';

type Encodings<Record> = { readonly [encoding in Encoding]: ItemEncoding<Record> };

export interface PointStoreOptions extends Encoders {
  /** This process's monotonic clock, ms. */
  readonly clock: () => number;
  /** Unix ms. */
  readonly wallMs: () => number;
  readonly stalenessMs: number;
  readonly log: Logger;
  /** Bounds; the defaults hold 5,000 nodes with 110 pods each. */
  readonly maxSlots?: number;
  readonly maxNodes?: number;
}

export type Accepted =
  | {
      readonly kind: 'accepted';
      /** Names that the agent was not told. */
      readonly names: readonly RowName[];
      /** Containers whose own limits (memory.max, cpu.max) are read to be others than before. */
      readonly limitsChanged: readonly string[];
      /** Pods that are bound to another node (uids), of which rows were left out. */
      readonly foreignPods: readonly string[];
    }
  /** Rows of refs that no batch introduced: the agent has to send every identity. Nothing was stored. */
  | { readonly kind: 'unknown_epoch' }
  /** Older than what is stored. Nothing was stored. */
  | { readonly kind: 'stale' }
  /** More nodes than the bound. Nothing was stored. */
  | { readonly kind: 'overloaded' };

export interface StoreCounts {
  readonly nodes: number;
  readonly pods: number;
  readonly slots: number;
  readonly nodePoints: number;
  readonly containerPoints: number;
}

const MAX_SLOTS = 2_000_000;
const MAX_NODES = 10_000;
const NO_NAMES: readonly RowName[] = [];
const NO_UIDS: readonly string[] = [];

export class PointStore implements ItemSource {
  readonly #options: PointStoreOptions;
  readonly #points: Points;
  readonly #bytes: ItemBytes;
  readonly #nodes = new Map<string, NodeState>();
  readonly #nodeIndex = new NameIndex<NodeEntry>();
  readonly #pods: PodTable;
  readonly #sameUid = (podUid: string): string => this.#pods.byUid(podUid)?.uid ?? podUid;
  #sweptMonoMs: number;

  constructor(options: PointStoreOptions) {
    this.#options = options;
    this.#points = new Points(options.maxSlots ?? MAX_SLOTS);
    this.#bytes = new ItemBytes(this.#points, options.stalenessMs);
    this.#pods = new PodTable((name) => this.#stateOf(name));
    this.#sweptMonoMs = options.clock();
  }

  upsertPod(pod: PodRecord): void {
    this.#pods.upsert(pod);
  }

  removePod(uid: string): void {
    this.#pods.remove(uid);
  }

  pod(uid: string): PodRecord | undefined {
    return this.#pods.byUid(uid)?.record;
  }

  upsertNode(record: NodeRecord): void {
    const state = this.#stateOf(record.name);
    if (state === undefined) return;
    if (state.entry === undefined) {
      const slot = state.hold(NODE_KEY);
      const slots = slot === -1 ? NO_SLOTS : [slot];
      state.entry = { name: record.name, record, slots, leaf: undefined };
      this.#nodeIndex.insert(state.entry);
      return;
    }
    state.entry.record = record;
    reshape(state.entry);
  }

  removeNode(name: string): void {
    const state = this.#nodes.get(name);
    const entry = state?.entry;
    if (state === undefined || entry === undefined) return;
    this.#nodeIndex.remove(entry);
    for (const slot of entry.slots) state.release(slot);
    entry.slots = NO_SLOTS;
    state.entry = undefined;
    this.#sweep(state);
  }

  /** Takes all of a batch or nothing. A retry of the newest batch is told the same names again and changes what is newer in it. */
  accept(batch: Batch, receivedMonoMs: number, receivedWallMs: number): Accepted {
    this.#sweepSometimes();
    const state = this.#stateOf(batch.node);
    if (state === undefined) return { kind: 'overloaded' };
    const { agent } = state;
    const standing = agent.standing(batch);
    if (standing === 'stale') return { kind: 'stale' };
    if (standing === 'new_epoch') {
      if (!knowsRefs(new Map(), batch)) return { kind: 'unknown_epoch' };
      state.forgetRefs();
      agent.begin(batch);
      const { node, agentVersion, bootId, epoch } = batch;
      this.#options.log.info({ node, agentVersion, bootId, epoch }, 'agent of node began an epoch');
    } else if (standing !== 'overtaken' && !knowsRefs(agent.refs, batch)) return { kind: 'unknown_epoch' };
    if (batch.identities.length > 0) state.introduce(batch.identities, this.#sameUid);
    if (agent.refs.size > MAX_REFS) {
      state.forgetRefs();
      return { kind: 'unknown_epoch' };
    }
    state.heardMonoMs = receivedMonoMs;
    state.skewMs = batch.wallTimeMs - receivedWallMs;
    agent.sequence = Math.max(agent.sequence, batch.sequence);
    const written = this.#writeRows(state, batch, { monoMs: receivedMonoMs, wallMs: receivedWallMs });
    state.endRefs(batch.gone);
    agent.lastNames = standing === 'repeated' ? this.#namesAgain(state) : this.#newNames(state);
    return { kind: 'accepted', names: agent.lastNames, ...written };
  }

  /** Points that a kubelet told. The caller has seen to it that the node's agent is silent. Nothing of unknown nodes is stored. */
  acceptScrape(scraped: Scraped, receipt: Receipt): ScrapeStored {
    this.#sweepSometimes();
    const state = this.#nodes.get(scraped.node);
    if (state === undefined) return { stored: 0, unknown: scraped.containers.length };
    return writeScraped(this.#points, state, (namespace, name) => this.#pods.byName(namespace, name), scraped, receipt);
  }

  /** Receipt of the newest batch of the node's agent, monotonic ms, and its wall clock minus ours then; NaN: none was received. */
  agentOf(node: string): { readonly heardMonoMs: number; readonly skewMs: number } {
    return this.#nodes.get(node) ?? { heardMonoMs: NaN, skewMs: NaN };
  }

  observation(containerId: string): Observation | undefined {
    const slot = this.#slotOf(containerId);
    return slot === undefined ? undefined : observationAt(this.#points, slot);
  }

  /** Highest 1 s CPU and working set that the container's agent ever reported. */
  peaks(containerId: string): { readonly cpuMillis: number; readonly workingSetBytes: number } | undefined {
    const slot = this.#slotOf(containerId);
    if (slot === undefined) return undefined;
    const { level } = this.#points;
    const of = slot * LEVEL_FIELDS;
    return { cpuMillis: level[of + CPU_PEAK_MILLIS]!, workingSetBytes: level[of + WORKING_SET_PEAK_BYTES]! };
  }

  /** What a ref of a node's newest epoch stands for. Pods that the API does not know, or has on another node, are not found. */
  containerOf(
    node: string,
    bootId: string,
    epoch: number,
    ref: number,
  ): { readonly containerId: string; readonly podUid: string } | undefined {
    const agent = this.#nodes.get(node)?.agent;
    if (agent === undefined || agent.bootId !== bootId || agent.epoch !== epoch) return undefined;
    const known = agent.refs.get(ref);
    if (known?.kind !== 'container') return undefined;
    const containerId = this.#nodes.get(node)!.containerIdOf(known);
    const pod = this.#pods.ofContainer(containerId);
    return pod?.node?.name === node ? { containerId, podUid: pod.uid } : undefined;
  }

  podStretches(namespace?: string): readonly Stretch<PodRecord>[] {
    return this.#pods.leaves(namespace).map((leaf) => this.#stretch(leaf, this.#options.encodePod));
  }

  nodeStretches(): readonly Stretch<NodeRecord>[] {
    return this.#nodeIndex.leaves().map((leaf) => this.#stretch(leaf, this.#options.encodeNode));
  }

  *podItems(namespace?: string): Generator<StoredItem<PodRecord>> {
    for (const leaf of this.#pods.leaves(namespace))
      for (const entry of leaf.entries)
        if (entry.record.phase === 'Running') yield this.#item(entry, this.#options.encodePod);
  }

  *nodeItems(): Generator<StoredItem<NodeRecord>> {
    for (const leaf of this.#nodeIndex.leaves())
      for (const entry of leaf.entries) yield this.#item(entry, this.#options.encodeNode);
  }

  podItem(namespace: string, name: string): StoredItem<PodRecord> | undefined {
    const entry = this.#pods.byName(namespace, name);
    return entry?.record.phase === 'Running' ? this.#item(entry, this.#options.encodePod) : undefined;
  }

  /** Whether the API has it, in whatever phase. */
  hasPod(namespace: string, name: string): boolean {
    return this.#pods.byName(namespace, name) !== undefined;
  }

  nodeItem(name: string): StoredItem<NodeRecord> | undefined {
    const entry = this.#nodes.get(name)?.entry;
    return entry === undefined ? undefined : this.#item(entry, this.#options.encodeNode);
  }

  /** Pods of any phase, also those that are not served. */
  *podRecords(namespace: string): Generator<PodRecord> {
    for (const leaf of this.#pods.leaves(namespace)) for (const { record } of leaf.entries) yield record;
  }

  /** Pods that have not ended and are not served, some hundred pods looked at a step: a caller may rest between steps. */
  *podGaps(namespace?: string): Generator<readonly PodGap[]> {
    for (const leaf of this.#pods.leaves(namespace)) {
      const now = this.#options.clock();
      const gaps: PodGap[] = [];
      for (const entry of leaf.entries) {
        const { phase } = entry.record;
        if (phase === 'Succeeded' || phase === 'Failed') continue;
        const gap = podGap(this.#points, entry, now, this.#options.stalenessMs);
        if (gap !== undefined) gaps.push(gap);
      }
      yield gaps;
    }
  }

  /** Nodes that are not served, stepwise as above. */
  *nodeGaps(): Generator<readonly NodeGap[]> {
    for (const leaf of this.#nodeIndex.leaves()) {
      const now = this.#options.clock();
      const gaps: NodeGap[] = [];
      for (const entry of leaf.entries) {
        const gap = nodeGap(this.#points, entry, now, this.#options.stalenessMs);
        if (gap !== undefined) gaps.push(gap);
      }
      yield gaps;
    }
  }

  /** Nodes of the API whose agent has not pushed since this process began. */
  silentNodes(): number {
    let silent = 0;
    for (const state of this.#nodes.values())
      if (state.entry !== undefined && Number.isNaN(state.heardMonoMs)) silent++;
    return silent;
  }

  /** The agents' wall clocks against this process's, at receipt of their newest batch, ms. */
  *clockSkews(): Generator<{ readonly node: string; readonly skewMs: number }> {
    for (const { name, skewMs } of this.#nodes.values()) if (!Number.isNaN(skewMs)) yield { node: name, skewMs };
  }

  counts(): StoreCounts {
    const { point } = this.#points;
    const points = { node: 0, container: 0 };
    for (let slot = 0; slot < this.#points.end; slot++) {
      if (!this.#points.isLive(slot) || Number.isNaN(point[slot * POINT_FIELDS + POINT_MONO_MS]!)) continue;
      const key = this.#points.keyOf(slot);
      if (key === NODE_KEY) points.node++;
      else points.container++;
    }
    return {
      nodes: this.#nodes.size,
      pods: this.#pods.size,
      slots: this.#points.size,
      nodePoints: points.node,
      containerPoints: points.container,
    };
  }

  #slotOf(containerId: string): number | undefined {
    const pod = this.#pods.ofContainer(containerId);
    return pod && heldSlot(pod, containerId);
  }

  #stateOf(name: string): NodeState | undefined {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const maxNodes = this.#options.maxNodes ?? MAX_NODES;
    if (this.#nodes.size >= maxNodes) {
      this.#options.log.warn({ node: name, maxNodes }, 'node left out: too many nodes');
      return undefined;
    }
    const state = new NodeState(name, this.#points);
    this.#nodes.set(name, state);
    return state;
  }

  #writeRows(
    state: NodeState,
    batch: Batch,
    receipt: Receipt,
  ): { readonly limitsChanged: readonly string[]; readonly foreignPods: readonly string[] } {
    const limitsChanged: string[] = [];
    const foreignPods = new Set<string>();
    const { ref, count } = batch.reports;
    const { refs } = state.agent;
    for (let row = 0; row < count; row++) {
      const at = refs.find(ref[row]!);
      const slot = at === -1 ? -1 : refs.slotAt(at);
      if (slot === -1) continue; // ended since, or a row whose points are not kept
      const isContainer = refs.isContainerAt(at);
      const owner = isContainer ? this.#pods.ownerOf(slot) : state.entry;
      if (isContainer && owner === undefined && this.#pods.isForeign(refs.at(at), state)) {
        foreignPods.add(refs.at(at).podUid);
        continue;
      }
      const changed = writeRow(this.#points, slot, batch, row, state.agent.ordinal, receipt);
      if ((changed & POINT_CHANGED) !== 0 && owner !== undefined) touch(owner);
      if ((changed & LIMIT_CHANGED) !== 0 && isContainer) limitsChanged.push(this.#points.keyOf(slot));
    }
    return { limitsChanged, foreignPods: foreignPods.size === 0 ? NO_UIDS : [...foreignPods] };
  }

  #newNames(state: NodeState): readonly RowName[] {
    if (!state.namesChanged || state.agent.untold.size === 0) return NO_NAMES;
    state.namesChanged = false;
    const names: RowName[] = [];
    for (const ref of state.agent.untold) {
      const name = this.#pods.nameOf(ref, state.agent.refs.get(ref)!, state);
      if (name === undefined) continue;
      names.push(name);
      state.agent.untold.delete(ref);
    }
    return names;
  }

  #namesAgain(state: NodeState): readonly RowName[] {
    const fresh = this.#newNames(state);
    const told = new Set(fresh.map((name) => name.ref));
    return [...state.agent.lastNames.filter((name) => !told.has(name.ref)), ...fresh];
  }

  #stretch<Record>(leaf: Leaf<Entry<Record>>, encodings: Encodings<Record>): Stretch<Record> {
    const now = this.#options.clock;
    return {
      encoded: (encoding) => this.#bytes.encodedOf(leaf, encoding, encodings[encoding], now()),
      deflated: (encoding) => this.#bytes.deflatedOf(leaf, encoding, encodings[encoding], now),
      selected: (encoding, matches) => this.#bytes.selectedOf(leaf, encoding, encodings[encoding], matches, now()),
    };
  }

  #item<Record>(entry: Entry<Record>, encodings: Encodings<Record>): StoredItem<Record> {
    const now = this.#options.clock;
    return {
      record: entry.record,
      bytes: (encoding) => this.#bytes.itemOf(entry, encodings[encoding], now()),
      usage: () => this.#bytes.usageOf(entry, now()),
    };
  }

  /** No timer: what is stale is not served in any case, and memory grows only by calls that come through here. */
  #sweepSometimes(): void {
    const now = this.#options.clock();
    if (now - this.#sweptMonoMs < this.#options.stalenessMs) return;
    this.#sweptMonoMs = now;
    for (const state of this.#nodes.values()) this.#sweep(state);
  }

  /** A silent node's refs are forgotten (its agent will be asked for them); a node that neither the API nor an agent speaks of goes. */
  #sweep(state: NodeState): void {
    const silentMs = this.#options.clock() - state.heardMonoMs;
    if (silentMs <= this.#options.stalenessMs) return;
    state.forgetRefs();
    if (state.entry === undefined && state.pods.size === 0) this.#nodes.delete(state.name);
  }
}
