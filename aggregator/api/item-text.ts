// One object in the form that the client takes: a table row's object, metadata alone, or whole.
import { metadataText } from './item-json.ts';
import { hasSwap } from './item-usage.ts';
import { enveloped, metadataField } from './kube-protobuf.ts';
import type { MetaVersion } from './resource-form.ts';
import type { Item, MetricsVersion, Resource } from './resource.ts';
import { METRICS_GROUP } from './status.ts';
import { tableRow } from './table.ts';
import type { IncludeObject } from './table.ts';

/** `{"kind":…,"apiVersion":…,`: what a single object has before an item's own members. */
export function objectOpening(kind: string, version: MetricsVersion): string {
  return `{"kind":"${kind}","apiVersion":"${METRICS_GROUP}/${version}",`;
}

/** JSON of a single object, or undefined for one without metrics. */
export function objectJson(item: Item, { kind }: Resource, version: MetricsVersion): Buffer | undefined {
  const bytes = item.bytes('json');
  return bytes && Buffer.concat([Buffer.from(objectOpening(kind, version)), bytes.subarray(1)]);
}

/** A single object as protocol buffers, or undefined for one without metrics. */
export function objectProtobuf(item: Item, { kind }: Resource, version: MetricsVersion): Buffer | undefined {
  const bytes = item.bytes('protobuf');
  if (!bytes) return undefined;
  // An item is a field of a list: its tag and its length are not the object's.
  let start = 1;
  while ((bytes[start]! & 0x80) !== 0) start++;
  return enveloped(`${METRICS_GROUP}/${version}`, kind, bytes.subarray(start + 1));
}

export interface RowOptions {
  readonly resource: Resource;
  readonly version: MetricsVersion;
  readonly metaVersion: MetaVersion;
  readonly include: IncludeObject;
}

export interface Row {
  readonly text: string;
  readonly swaps: boolean;
}

/**
 * A row of a table, or undefined for an object without metrics.
 * @param swaps there is a column for swap; undefined: this row decides
 */
export function rowOf(item: Item, options: RowOptions, swaps?: boolean): Row | undefined {
  const object = options.include === 'None' ? undefined : rowObject(item, options);
  const usage = item.usage();
  if (!usage) return undefined;
  const withSwap = swaps ?? hasSwap(usage);
  return { text: tableRow(item.record, usage, withSwap, object), swaps: withSwap };
}

function rowObject(item: Item, { resource, version, metaVersion, include }: RowOptions): string | undefined {
  if (include === 'Metadata') return partialJson(item, metaVersion);
  return objectJson(item, resource, version)?.toString();
}

/** PartialObjectMetadata, or undefined for an object without metrics. */
export function partialJson(item: Item, metaVersion: MetaVersion): string | undefined {
  const usage = item.usage();
  if (!usage) return undefined;
  const metadata = metadataText(item.record, usage.atWallMs);
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${metaVersion}","metadata":${metadata}}`;
}

/** PartialObjectMetadata as protocol buffers, without an envelope. */
export function partialMessage(item: Item): Buffer | undefined {
  const usage = item.usage();
  return usage && metadataField(1, item.record, usage.atWallMs);
}
