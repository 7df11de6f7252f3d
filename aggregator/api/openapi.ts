// OpenAPI v2 and v3, for `kubectl explain` and validation, through kube-apiserver's aggregator, which asks for JSON.
// Contract: kube-openapi handler and handler3: ETags, /openapi/v3 with URLs that carry a hash, and answers under them that are
// good for a year.
import { createHash } from 'node:crypto';
import { readVersion } from '../version.ts';
import type { Answer } from './answer.ts';
import { JSON_TYPE } from './answer.ts';
import { mediaRanges, suits } from './media-type.ts';
import type { Operation, Parameter } from './openapi-operations.ts';
import { OPERATIONS } from './openapi-operations.ts';
import { QUANTITY_SCHEMA, SCHEMAS } from './openapi-schemas.ts';
import type { Schema } from './openapi-schemas.ts';
import type { Json } from './yaml.ts';

interface Cached {
  readonly bytes: Buffer;
  /** Without its quotes. */
  readonly etag: string;
}

const V2 = '/openapi/v2';
const V3 = '/openapi/v3';
const YEAR_MS = 365 * 86_400_000;
const INFO = { title: 'Headroom', version: readVersion() };

export const OPENAPI_PATHS = [V2, V3, `${V3}/`];

export interface OpenApiAsker {
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly hash: string | undefined;
  readonly wallMs: number;
}

/** @returns undefined where the path is no OpenAPI document */
export function openApi(path: string, asker: OpenApiAsker): Answer | undefined {
  if (path === V2) return negotiated(asker, documents().v2, { Vary: 'Accept' });
  if (path === V3) return cachedAnswer(documents().v3, asker, {});
  if (!path.startsWith(`${V3}/`)) return undefined;
  const name = path.slice(V3.length + 1);
  const document = documents().groups.get(name);
  if (!document) return undefined;
  const { hash = '', wallMs } = asker;
  if (hash === '') return negotiated(asker, document, { Vary: 'Accept' });
  if (hash !== document.etag) return moved(urlOf(name, document));
  return negotiated(asker, document, {
    Vary: 'Accept',
    'Cache-Control': 'public, immutable',
    Expires: new Date(wallMs + YEAR_MS).toUTCString(),
  });
}

function negotiated(asker: OpenApiAsker, document: Cached, headers: Record<string, string>): Answer {
  const ranges = mediaRanges(asker.accept === undefined || asker.accept === '' ? '*/*' : asker.accept);
  if (ranges.some((range) => suits(range, JSON_TYPE))) return cachedAnswer(document, asker, headers);
  return { kind: 'answer', code: 406, contentType: '', chunks: [], headers };
}

function cachedAnswer({ bytes, etag }: Cached, asker: OpenApiAsker, more: Record<string, string>): Answer {
  const headers = { ETag: `"${etag}"`, ...more };
  if (asker.ifNoneMatch === headers.ETag) return { kind: 'answer', code: 304, contentType: '', chunks: [], headers };
  return { kind: 'answer', code: 200, contentType: JSON_TYPE, chunks: [bytes], headers };
}

function moved(location: string): Answer {
  const headers = { Location: location, Vary: 'Accept' };
  return { kind: 'answer', code: 301, contentType: JSON_TYPE, chunks: [], headers };
}

function urlOf(name: string, { etag }: Cached): string {
  return `${V3}/${name}?hash=${etag}`;
}

interface Documents {
  readonly v2: Cached;
  readonly v3: Cached;
  readonly groups: ReadonlyMap<string, Cached>;
}

let made: Documents | undefined;

/** Made when first asked for: most replicas never are. */
function documents(): Documents {
  if (made) return made;
  const groups = new Map([...OPERATIONS].map(([name, operations]) => [name, cached(v3Document(operations))]));
  const paths = [...groups].map(([name, document]) => [name, { serverRelativeURL: urlOf(name, document) }]);
  made = { v2: cached(v2Document()), v3: cached({ paths: Object.fromEntries(paths) as Json }), groups };
  return made;
}

function cached(document: Schema): Cached {
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes, etag: createHash('sha512').update(bytes).digest('hex').toUpperCase() };
}

function v2Document(): Schema {
  const paths = [...OPERATIONS.values()].flat().map((operation) => [operation.path, v2Path(operation)]);
  const definitions = [...SCHEMAS].map(([name, schema]) => [name, resolved(schema, '#/definitions/')]);
  return {
    swagger: '2.0',
    info: INFO,
    paths: Object.fromEntries(paths) as Json,
    definitions: Object.fromEntries(definitions) as Json,
  };
}

function v2Path(operation: Operation): Schema {
  const { consumes, produces, parameters, schema } = operation;
  const get = {
    ...common(operation),
    consumes,
    produces,
    schemes: ['https'],
    responses: { 200: { description: 'OK', schema: { $ref: `#/definitions/${schema}` } } },
    ...extensions(operation),
  };
  return { get, ...(parameters.length === 0 ? {} : { parameters: parameters.map(v2Parameter) }) };
}

function v2Parameter({ name, in: place, type, description }: Parameter): Schema {
  const required = place === 'path' ? { required: true } : {};
  return { uniqueItems: true, type, description, name, in: place, ...required };
}

/** What only v3 can say. */
const V3_SCHEMAS: ReadonlyMap<string, Schema> = new Map([
  [QUANTITY_SCHEMA, { oneOf: [{ type: 'string' }, { type: 'number' }] }],
]);

function v3Document(operations: readonly Operation[]): Schema {
  const schemas = [...reachable(operations.map(({ schema }) => schema))].sort();
  const paths = operations.map((operation) => [operation.path, v3Path(operation)]);
  return {
    openapi: '3.0.0',
    info: INFO,
    paths: Object.fromEntries(paths) as Json,
    components: {
      schemas: Object.fromEntries(
        schemas.map((name) => [name, resolved(V3_SCHEMAS.get(name) ?? SCHEMAS.get(name)!, '#/components/schemas/')]),
      ) as Json,
    },
  };
}

function v3Path(operation: Operation): Schema {
  const { produces, parameters, schema } = operation;
  const content = produces.map((type) => [type, { schema: { $ref: `#/components/schemas/${schema}` } }]);
  const responses = { 200: { description: 'OK', content: Object.fromEntries(content) as Json } };
  const get = { ...common(operation), responses, ...extensions(operation) };
  return { get, ...(parameters.length === 0 ? {} : { parameters: parameters.map(v3Parameter) }) };
}

function v3Parameter({ name, in: place, type, description }: Parameter): Schema {
  const required = place === 'path' ? { required: true } : {};
  return { name, in: place, description, ...required, schema: { type, uniqueItems: true } };
}

function common({ tag, description, id }: Operation): Schema {
  return { description, operationId: id, tags: [tag] };
}

function extensions({ action, kind }: Operation): Schema {
  return action && kind ? { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': kind } : {};
}

/** @param place where schemas are. A reference with a description of its own is one of several, as far as the syntax goes. */
function resolved(value: Json, place: string): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((one) => resolved(one, place));
  const { ref, ...rest } = value as Schema;
  const others = Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, resolved(one, place)]));
  if (typeof ref !== 'string') return others;
  const $ref = `${place}${ref}`;
  const isAlone = Object.keys(others).length === 0 || place === '#/definitions/';
  return isAlone ? { ...others, $ref } : { ...others, allOf: [{ $ref }] };
}

function reachable(names: readonly string[], seen = new Set<string>()): ReadonlySet<string> {
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    reachable(referencesIn(SCHEMAS.get(name)!), seen);
  }
  return seen;
}

function referencesIn(value: Json): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(referencesIn);
  return Object.entries(value as Schema).flatMap(([key, one]) =>
    key === 'ref' && typeof one === 'string' ? one : referencesIn(one),
  );
}
