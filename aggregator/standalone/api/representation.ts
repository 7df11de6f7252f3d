// How an answer is written: JSON always, as a Table or as metadata only where the Accept header asks. Source: apiserver content negotiation.
import type { KubeObject } from './objects.ts';
import type { ResourceType } from './resources.ts';
import { partialMetadata, tableOf } from './table.ts';

export interface Representation {
  readonly contentType: string;
  one(object: KubeObject): unknown;
  list(type: ResourceType, items: readonly KubeObject[], metadata: Readonly<Record<string, unknown>>): unknown;
}

const KNOWN_AS = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'];

/** The first media type of the header that this server can write; plain JSON otherwise, for clients that ask for protobuf too. */
export function negotiate(
  type: ResourceType,
  accept: string,
  query: URLSearchParams,
  wallTimeMs: () => number,
): Representation {
  for (const part of accept.split(',')) {
    const [media = '', ...parameters] = part.trim().split(';');
    const given = new Map(parameters.map((text) => text.trim().split('=') as [string, string]));
    const as = given.get('as');
    if (media !== 'application/json' && media !== '*/*') continue;
    if (as === undefined) return PLAIN;
    if (!KNOWN_AS.includes(as) || given.get('g') !== 'meta.k8s.io') continue;
    const apiVersion = `meta.k8s.io/${given.get('v') ?? 'v1'}`;
    return as === 'Table' ? asTable(type, apiVersion, query, wallTimeMs) : asMetadata(apiVersion);
  }
  return PLAIN;
}

const PLAIN: Representation = {
  contentType: 'application/json',
  one: (object) => object,
  list: (type, items, metadata) => ({ kind: `${type.kind}List`, apiVersion: 'v1', metadata, items }),
};

function asMetadata(apiVersion: string): Representation {
  return {
    contentType: 'application/json',
    one: (object) => partialMetadata(object, apiVersion),
    list: (_type, items, metadata) => ({
      kind: 'PartialObjectMetadataList',
      apiVersion,
      metadata,
      items: items.map((object) => partialMetadata(object, apiVersion)),
    }),
  };
}

function asTable(
  type: ResourceType,
  apiVersion: string,
  query: URLSearchParams,
  wallTimeMs: () => number,
): Representation {
  const asked = query.get('includeObject');
  const includeObject = asked === 'None' || asked === 'Object' ? asked : 'Metadata';
  const table = (items: readonly KubeObject[], metadata: Readonly<Record<string, unknown>>): unknown =>
    tableOf(type.resource, items, metadata, { wallTimeMs: wallTimeMs(), apiVersion, includeObject });
  return {
    contentType: 'application/json',
    one: (object) => table([object], { resourceVersion: object.metadata.resourceVersion }),
    list: (_type, items, metadata) => table(items, metadata),
  };
}
