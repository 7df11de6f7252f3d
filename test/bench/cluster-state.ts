// The fake API server's objects: a life, a stage and a version of each pod, a version of each node. Their JSON is made when
// asked for; only the newest events are kept, as a real server's watch cache does.
import { nodeJson, podJson } from './cluster-objects.ts';
import type { PodStage } from './cluster-objects.ts';
import type { PodLife } from './cluster-shape.ts';

export type Collection = 'nodes' | 'pods';

/** Events of a watch name their objects' kind, items of a list don't. */
export const KINDS: Readonly<Record<Collection, string>> = { nodes: 'Node', pods: 'Pod' };

export interface ClusterEvent {
  readonly version: number;
  readonly line: string;
}

export interface Page {
  readonly items: readonly string[];
  /** '' after the last one. */
  readonly next: string;
}

/** Above it a client that stayed away lists again. */
const KEPT_EVENTS = 2000;
const FIRST_VERSION = 1_000_000;

export class ClusterState {
  readonly pods: number;
  readonly nodes: number;
  version = FIRST_VERSION;
  onEvent: (collection: Collection, event: ClusterEvent) => void = () => {};
  readonly #incarnation: Uint32Array;
  readonly #stage: PodStage[];
  readonly #podVersion: Float64Array;
  readonly #nodeVersion: Float64Array;
  readonly #events: Readonly<Record<Collection, ClusterEvent[]>> = { nodes: [], pods: [] };

  constructor(nodes: number, pods: number) {
    this.nodes = nodes;
    this.pods = pods;
    this.#incarnation = new Uint32Array(pods);
    this.#stage = Array.from({ length: pods }, () => 'running');
    this.#podVersion = new Float64Array(pods).fill(FIRST_VERSION);
    this.#nodeVersion = new Float64Array(nodes).fill(FIRST_VERSION);
  }

  page(collection: Collection, from: number, limit: number): Page {
    const total = collection === 'nodes' ? this.nodes : this.pods;
    const end = Math.min(total, from + limit);
    const items: string[] = [];
    for (let at = from; at < end; at++) items.push(collection === 'nodes' ? this.#node(at) : this.#pod(at));
    return { items, next: end < total ? String(end) : '' };
  }

  /** Undefined: too old. */
  eventsAfter(collection: Collection, version: number): readonly ClusterEvent[] | undefined {
    const kept = this.#events[collection];
    if (kept.length === KEPT_EVENTS && kept[0]!.version > version) return undefined;
    return kept.filter((event) => event.version > version);
  }

  life(pod: number): PodLife {
    return { pod, incarnation: this.#incarnation[pod]! };
  }

  /** The pod of this place is deleted and made anew, as a ReplicaSet does; it waits for its node. */
  replace(pod: number): void {
    this.change(pod, 'terminating');
    this.#tell('pods', 'DELETED', this.#pod(pod));
    this.#incarnation[pod]!++;
    this.#stage[pod] = 'unscheduled';
    this.#podVersion[pod] = ++this.version;
    this.#tell('pods', 'ADDED', this.#pod(pod));
    this.change(pod, 'scheduled');
  }

  change(pod: number, stage: PodStage): void {
    this.#stage[pod] = stage;
    this.#podVersion[pod] = ++this.version;
    this.#tell('pods', 'MODIFIED', this.#pod(pod));
  }

  touchPod(pod: number): void {
    this.change(pod, this.#stage[pod]!);
  }

  touchNode(node: number): void {
    this.#nodeVersion[node] = ++this.version;
    this.#tell('nodes', 'MODIFIED', this.#node(node));
  }

  #tell(collection: Collection, type: string, object: string): void {
    const typed = `{"kind":"${KINDS[collection]}","apiVersion":"v1",${object.slice(1)}`;
    const event = { version: this.version, line: `{"type":"${type}","object":${typed}}\n` };
    const kept = this.#events[collection];
    kept.push(event);
    if (kept.length > KEPT_EVENTS) kept.shift();
    this.onEvent(collection, event);
  }

  #pod(pod: number): string {
    return podJson(this.life(pod), this.pods, this.#stage[pod]!, this.#podVersion[pod]!);
  }

  #node(node: number): string {
    return nodeJson(node, this.#nodeVersion[node]!);
  }
}
