// One object in the form that the client takes: a table row's object, metadata alone, or whole.
import { METRICS_GROUP } from './status.ts';
import type { MetaVersion } from './media-type.ts';
import type { Item, MetricsVersion, Resource } from './resource.ts';
import { partialMetadata, tableRow } from './table.ts';
import type { IncludeObject } from './table.ts';

/** `{"kind":…,"apiVersion":…,`: what a single object has before an item's own members. */
export function objectOpening(kind: string, version: MetricsVersion): string {
  return `{"kind":"${kind}","apiVersion":"${METRICS_GROUP}/${version}",`;
}

export interface RowOptions {
  readonly resource: Resource;
  readonly version: MetricsVersion;
  readonly metaVersion: MetaVersion;
  readonly include: IncludeObject;
}

/** A row of a table, or undefined for an object without metrics. */
export function rowOf(item: Item, options: RowOptions): string | undefined {
  const object = options.include === 'None' ? undefined : rowObject(item, options);
  const usage = item.usage();
  return usage && tableRow(item.record, usage, object);
}

function rowObject(item: Item, { resource, version, metaVersion, include }: RowOptions): string | undefined {
  if (include === 'Metadata') return partialOf(item, metaVersion);
  const bytes = item.bytes();
  return bytes && `${objectOpening(resource.kind, version)}${bytes.toString('utf8', 1)}`;
}

/** PartialObjectMetadata, or undefined for an object without metrics. */
export function partialOf(item: Item, metaVersion: MetaVersion): string | undefined {
  const usage = item.usage();
  return usage && partialMetadata(item.record, usage.atWallMs, metaVersion);
}
