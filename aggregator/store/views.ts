// What the store hands out: pods and nodes with their usage, ready bytes of whole stretches of a list, and the encoders that make them.
import type { NodeRecord, PodRecord } from '../kube/records.ts';

/** Usage of one object. Reused from object to object: read it before the next is asked for. */
export interface Usage {
  /** Of the container that was read first: Unix ms on this process's clock, free of the node's skew. */
  atWallMs: number;
  windowUs: number;
  /** Entries that count in the arrays: the running containers in the order of the spec, or 1 for a node. */
  count: number;
  /** CPU over the window, nanocores. */
  cpuNanos: Float64Array;
  workingSetBytes: Float64Array;
}

/** Writes the items of one object; made once a record, so that only the numbers are left to write. */
export interface ItemWriter {
  /** The most bytes that `write` uses. */
  readonly maxBytes: number;
  /** @returns the offset behind the item */
  write(out: Uint8Array, offset: number, usage: Usage): number;
}

/** The API's business, injected so that the store knows no API. */
export interface Encoders {
  readonly encodePod: (record: PodRecord) => ItemWriter;
  readonly encodeNode: (record: NodeRecord) => ItemWriter;
}

/** One object of a list. */
export interface StoredItem<Record> {
  readonly record: Record;
  /** JSON of the item, a copy. Undefined when it has no complete and fresh metrics (any more). */
  bytes(): Buffer | undefined;
  /** Valid until the next call of `usage` on any item. Undefined as above. */
  usage(): Usage | undefined;
}

/** A stretch of a sorted list. Its bytes are made when first asked for after a change and kept until the next. */
export interface Stretch {
  /** The items' JSON, a comma before each; empty when no item has metrics. Not to be written to. */
  bytes(): Buffer;
  /** When the items in `bytes` were read, Unix ms each. */
  instants(): Float64Array;
}

/** What the API reads of the store: nodes sorted by name, pods by namespace, then name. */
export interface ItemSource {
  podStretches(namespace?: string): readonly Stretch[];
  nodeStretches(): readonly Stretch[];
  /** Every pod whose phase is Running and every node, with or without metrics. */
  podItems(namespace?: string): Iterable<StoredItem<PodRecord>>;
  nodeItems(): Iterable<StoredItem<NodeRecord>>;
  /** Undefined when there is no such object. */
  podItem(namespace: string, name: string): StoredItem<PodRecord> | undefined;
  nodeItem(name: string): StoredItem<NodeRecord> | undefined;
}
