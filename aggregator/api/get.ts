// One object. Contract: metrics-server pkg/api: 404 in two forms, for an object nobody knows and for one without metrics.
import type { Answer } from './answer.ts';
import { JSON_TYPE } from './answer.ts';
import { objectOpening, partialOf, rowOf } from './item-text.ts';
import type { ApiContext, ResourceRequest } from './list.ts';
import type { Item } from './resource.ts';
import type { Refusal } from './status.ts';
import { notAcceptable } from './status.ts';
import { includeObject, TABLE_END, tableOpening } from './table.ts';

export function get(context: ApiContext, request: ResourceRequest, name: string): Answer | Refusal {
  const { resource, namespace = '' } = request.path;
  const item = resource.item(context.source, namespace, name);
  if (!item) return resource.unknown(name);
  const text = objectText(item, request);
  if (text === undefined) return resource.withoutMetrics(namespace, name);
  if (typeof text !== 'string') return text;
  const usage = item.usage();
  if (usage) context.gaveOut(Float64Array.of(usage.atWallMs));
  return { kind: 'answer', code: 200, contentType: JSON_TYPE, chunks: [Buffer.from(text)] };
}

/** Undefined for an object without metrics. */
function objectText(item: Item, { path, form, query }: ResourceRequest): string | Refusal | undefined {
  const { resource, version } = path;
  switch (form.kind) {
    case 'object': {
      const bytes = item.bytes();
      return bytes && `${objectOpening(resource.kind, version)}${bytes.toString('utf8', 1)}\n`;
    }
    case 'partial': {
      const text = partialOf(item, form.version);
      return text && `${text}\n`;
    }
    case 'table': {
      const include = includeObject(query);
      if (typeof include !== 'string') return include;
      const row = rowOf(item, { resource, version, metaVersion: form.version, include });
      return row && `${tableOpening(form.version, false)}${row}${TABLE_END}`;
    }
    case 'partial_list':
      return notAcceptable(
        `you requested PartialObjectMetadataList, but the requested object is not a list (*metrics.${resource.kind})`,
      );
  }
}
