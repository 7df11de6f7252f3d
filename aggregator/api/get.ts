// One object. Contract: metrics-server pkg/api: 404 in two forms, for an object nobody knows and for one without metrics.
import type { Answer } from './answer.ts';
import { enveloped } from './kube-protobuf.ts';
import { objectJson, objectProtobuf, partialJson, partialMessage, rowOf } from './item-text.ts';
import type { ApiContext, ResourceRequest } from './list.ts';
import { pretty } from './pretty.ts';
import type { Item } from './resource.ts';
import type { Refusal } from './status.ts';
import { notAcceptable } from './status.ts';
import { includeObject, tableOpening } from './table.ts';
import type { Json } from './yaml.ts';
import { yamlText } from './yaml.ts';

const LINE_END = Buffer.from('\n');

export function get(context: ApiContext, request: ResourceRequest, name: string): Answer | Refusal {
  const { resource, namespace = '' } = request.path;
  const item = resource.item(context.source, namespace, name);
  if (!item) return resource.unknown(name);
  const { media, contentType } = request.accepted;
  const bytes = media === 'protobuf' ? objectBytes(item, request) : objectText(item, request);
  if (bytes === undefined) return resource.withoutMetrics(namespace, name);
  if (!Buffer.isBuffer(bytes)) return bytes;
  const usage = item.usage();
  if (usage) context.gaveOut(Float64Array.of(usage.atWallMs));
  return { kind: 'answer', code: 200, contentType, chunks: written(bytes, request) };
}

function written(bytes: Buffer, { accepted: { media }, pretty: isPretty }: ResourceRequest): readonly Buffer[] {
  switch (media) {
    case 'protobuf':
      return [bytes];
    case 'yaml':
      return [Buffer.from(`${yamlText(JSON.parse(bytes.toString()) as Json)}\n`)];
    case 'json':
      return isPretty ? pretty([bytes]) : [Buffer.concat([bytes, LINE_END])];
  }
}

/** Undefined for an object without metrics. */
function objectText(item: Item, { path, accepted: { form }, query }: ResourceRequest): Buffer | Refusal | undefined {
  const { resource, version } = path;
  switch (form.kind) {
    case 'object':
      return objectJson(item, resource, version);
    case 'partial':
      return bufferOf(partialJson(item, form.version));
    case 'table': {
      const include = includeObject(query);
      if (typeof include !== 'string') return include;
      const row = rowOf(item, { resource, version, metaVersion: form.version, include });
      return row && Buffer.from(`${tableOpening(form.version, row.swaps)}[${row.text}]}`);
    }
    case 'partial_list':
      return noList(resource.kind);
  }
}

function objectBytes(item: Item, { path, accepted: { form } }: ResourceRequest): Buffer | Refusal | undefined {
  if (form.kind === 'partial_list') return noList(path.resource.kind);
  if (form.kind !== 'partial') return objectProtobuf(item, path.resource, path.version);
  const message = partialMessage(item);
  return message && enveloped(`meta.k8s.io/${form.version}`, 'PartialObjectMetadata', message);
}

function noList(kind: string): Refusal {
  return notAcceptable(
    `you requested PartialObjectMetadataList, but the requested object is not a list (*metrics.${kind})`,
  );
}

function bufferOf(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}
