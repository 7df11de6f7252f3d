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
  /** NaN where it was not read: the node does not tell. */
  swapBytes?: Float64Array;
}

/** What an item is written as; how is the API's business. */
export type Encoding = 'json' | 'protobuf';

/** An item without its numbers. Tails are shared by all items with the same containers. */
export interface ItemTemplate {
  /** What the record alone decides, with gaps where `complete` puts the times. */
  readonly head: Uint8Array;
  /** Where in `head` its first gap is. */
  readonly createdAt: number;
  readonly tail: ItemTail;
}

export interface ItemTail {
  /** The most bytes that `complete` adds. */
  readonly maxBytes: number;
  /**
   * Writes the numbers of an item whose head lies at `start` up to `end`, with its first gap at `createdAt`.
   * @returns the offset behind the item
   */
  complete(out: Uint8Array, start: number, end: number, createdAt: number, usage: Usage): number;
}

export interface ItemEncoding<Record> {
  /** Between two items of a list. */
  readonly separator: Uint8Array;
  template(record: Record): ItemTemplate;
}

/** The API's business, injected so that the store knows no API. */
export interface Encoders {
  readonly encodePod: { readonly [encoding in Encoding]: ItemEncoding<PodRecord> };
  readonly encodeNode: { readonly [encoding in Encoding]: ItemEncoding<NodeRecord> };
}

/** One object of a list. */
export interface StoredItem<Record> {
  readonly record: Record;
  /** The item, a copy. Undefined when it has no complete and fresh metrics (any more). */
  bytes(encoding: Encoding): Buffer | undefined;
  /** Valid until the next call of `usage` on any item. Undefined as above. */
  usage(): Usage | undefined;
}

/** Some items of a list, a separator before each; no bytes when none has metrics. Not to be written to. */
export interface Encoded {
  readonly bytes: Buffer;
  /** When each was read, Unix ms. */
  readonly instants: Float64Array;
  /** How many hold on to `bytes` beyond this turn: they are written over when these items change and nobody does. */
  users: number;
}

/** The same compressed, without the first separator: deflate blocks that end at a byte and refer to nothing before them. */
export interface Deflated {
  readonly bytes: Buffer;
  /** Of what was compressed: CRC-32 and length. */
  readonly crc: number;
  readonly length: number;
  readonly instants: Float64Array;
}

/** A stretch of a sorted list. What is made of it is kept until the next change. */
export interface Stretch<Record> {
  encoded(encoding: Encoding): Encoded;
  deflated(encoding: Encoding): Promise<Deflated>;
  /** Items of the records that match; not kept. */
  selected(encoding: Encoding, matches: (record: Record) => boolean): Encoded;
}

/** What the API reads of the store: nodes sorted by name, pods by namespace, then name. */
export interface ItemSource {
  podStretches(namespace?: string): readonly Stretch<PodRecord>[];
  nodeStretches(): readonly Stretch<NodeRecord>[];
  /** Every pod whose phase is Running and every node, with or without metrics. */
  podItems(namespace?: string): Iterable<StoredItem<PodRecord>>;
  nodeItems(): Iterable<StoredItem<NodeRecord>>;
  /** Undefined when there is no such object. */
  podItem(namespace: string, name: string): StoredItem<PodRecord> | undefined;
  nodeItem(name: string): StoredItem<NodeRecord> | undefined;
}
