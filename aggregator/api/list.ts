// List answers: a frame around pieces. A whole list is the store's ready stretches, compressed ones where the client takes gzip.
// Contract: metrics-server pkg/api: always the full list, objects without metrics left out; k8s.io/apiserver compresses from
// 128 KiB on.
import type { Encoded, Encoding, ItemSource, Stretch } from '../store/views.ts';
import type { Answer } from './answer.ts';
import { chunksOf } from './chunks.ts';
import { GZIP_FROM_BYTES, gzipBody, stored } from './gzip.ts';
import { objectOpening } from './item-text.ts';
import type { Named } from './item-usage.ts';
import type { ListFrame, Skeleton } from './list-frame.ts';
import { jsonFrame, protobufFrame, yamlFrame } from './list-frame.ts';
import type { ListGate } from './list-gate.ts';
import { listOptions } from './list-options.ts';
import type { Matches } from './list-pieces.ts';
import { objectPieces, partialPieces, rowPieces, yamlPieces } from './list-pieces.ts';
import { createPacer } from './pacer.ts';
import type { ResourcePath } from './path.ts';
import { pretty } from './pretty.ts';
import type { AcceptedForm } from './resource-form.ts';
import { METRICS_GROUP, notAcceptable, tooManyRequests } from './status.ts';
import type { Refusal } from './status.ts';
import { includeObject, tableOpening } from './table.ts';

export interface ApiContext {
  readonly source: ItemSource;
  readonly gate: ListGate;
  /** Told when the objects of an answer were read, Unix ms each. */
  readonly gaveOut: (instants: Float64Array) => void;
}

export interface ResourceRequest {
  readonly path: ResourcePath;
  /** Undefined: no query at all. */
  readonly query: URLSearchParams | undefined;
  readonly accepted: AcceptedForm;
  readonly pretty: boolean;
  readonly takesGzip: boolean;
}

/** As many stretches hold thousands of objects. */
const BIG_LIST_STRETCHES = 8;

export async function list(context: ApiContext, request: ResourceRequest): Promise<Answer | Refusal> {
  const { resource, namespace } = request.path;
  const options = listOptions(resource.resource, request.query);
  if (options.kind === 'refusal') return options;
  const form = listForm(context, request, options.matches);
  if (form.kind === 'refusal') return form;
  const stretches = resource.stretches(context.source, namespace);
  const leave = stretches.length < BIG_LIST_STRETCHES ? noGate : context.gate.enter();
  if (!leave) return tooManyRequests;
  try {
    const body = await (form.compressible && request.takesGzip
      ? compressed(context, form, stretches)
      : plain(context, form, form.pieces(stretches)));
    const isPretty = request.pretty && request.accepted.media === 'json' && body.coding === undefined;
    const chunks = isPretty ? pretty(body.chunks) : body.chunks;
    const done = (): void => {
      leave();
      for (const piece of body.held) piece.users--;
    };
    const { contentType } = request.accepted;
    return { kind: 'answer', code: 200, contentType, chunks, done, ...(body.coding ? { coding: body.coding } : {}) };
  } catch (error) {
    leave();
    throw error;
  }
}

function noGate(): void {
  // A small list passes.
}

interface ListForm {
  readonly kind: 'form';
  readonly encoding: Encoding;
  /** The store's own stretches are the list. */
  readonly compressible: boolean;
  /** Bytes between two items, of which a list has none before the first. */
  readonly separator: Buffer;
  pieces(stretches: readonly Stretch<Named>[]): Iterable<Encoded>;
  frame(count: number, bytes: number): ListFrame;
}

function listForm(context: ApiContext, request: ResourceRequest, matches: Matches): ListForm | Refusal {
  const { accepted, path } = request;
  const { resource, version, namespace } = path;
  const { form, media } = accepted;
  const items = () => resource.items(context.source, namespace);
  const encoding = media === 'protobuf' ? 'protobuf' : 'json';
  switch (form.kind) {
    case 'object': {
      const kind = `${resource.kind}List`;
      return formOf(request, {
        skeleton: () => ({
          json: `${objectOpening(kind, version)}"metadata":{},"items":`,
          member: 'items',
          whenEmpty: '[]',
        }),
        apiVersion: `${METRICS_GROUP}/${version}`,
        kind,
        compressible: !matches && media !== 'yaml' && !request.pretty,
        pieces: (stretches) => objectPieces(stretches, encoding, matches),
      });
    }
    case 'partial_list': {
      const [apiVersion, kind] = [`meta.k8s.io/${form.version}`, 'PartialObjectMetadataList'];
      const json = `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":{},"items":`;
      return formOf(request, {
        skeleton: () => ({ json, member: 'items', whenEmpty: 'null' }),
        apiVersion,
        kind,
        pieces: () => partialPieces(items(), matches, encoding, form.version),
      });
    }
    case 'table': {
      const include = includeObject(request.query);
      if (typeof include !== 'string') return include;
      let swaps: boolean | undefined;
      return formOf(request, {
        skeleton: () => ({ json: tableOpening(form.version, swaps), member: 'rows', whenEmpty: 'null' }),
        apiVersion: '',
        kind: 'Table',
        pieces: () =>
          rowPieces(items(), matches, { resource, version, metaVersion: form.version, include }, (first) => {
            swaps = first;
          }),
      });
    }
    case 'partial':
      return notAcceptable(
        `you requested PartialObjectMetadata, but the requested object is a list (*metrics.${resource.kind}List)`,
      );
  }
}

interface FormParts extends Pick<ListForm, 'pieces'> {
  readonly compressible?: boolean;
  readonly apiVersion: string;
  readonly kind: string;
  /** Asked for when the pieces are made. */
  readonly skeleton: () => Skeleton;
}

const COMMA = Buffer.from(',');
const NOTHING = Buffer.alloc(0);

function formOf({ accepted: { media } }: ResourceRequest, parts: FormParts): ListForm {
  const { pieces, skeleton, apiVersion, kind, compressible = false } = parts;
  switch (media) {
    case 'json':
      return {
        kind: 'form',
        encoding: 'json',
        compressible,
        separator: COMMA,
        pieces,
        frame: (count) => jsonFrame(skeleton(), count),
      };
    case 'yaml':
      return {
        kind: 'form',
        encoding: 'json',
        compressible,
        separator: NOTHING,
        pieces: (stretches) => yamlPieces(pieces(stretches)),
        frame: (count) => yamlFrame(skeleton(), count),
      };
    case 'protobuf':
      return {
        kind: 'form',
        encoding: 'protobuf',
        compressible,
        separator: NOTHING,
        pieces,
        frame: (_count, bytes) => protobufFrame(apiVersion, kind, bytes),
      };
  }
}

interface Body extends Pick<Answer, 'chunks' | 'coding'> {
  /** What the chunks are made of, while they are sent. */
  readonly held: readonly Encoded[];
}

async function plain({ gaveOut }: ApiContext, form: ListForm, pieces: Iterable<Encoded>): Promise<Body> {
  const pacer = createPacer();
  const items: Buffer[] = [];
  const held: Encoded[] = [];
  let [count, bytes] = [0, 0];
  for (const piece of pieces) {
    if (piece.instants.length > 0) {
      const part = items.length === 0 ? piece.bytes.subarray(form.separator.length) : piece.bytes;
      items.push(part);
      piece.users++;
      held.push(piece);
      count += piece.instants.length;
      bytes += part.length;
      gaveOut(piece.instants);
    }
    if (pacer.due()) await pacer.rest();
  }
  const { opening, end } = form.frame(count, bytes);
  return { chunks: chunksOf([opening, ...items, end]), held };
}

/** As it is while it is small. */
async function compressed(context: ApiContext, form: ListForm, stretches: readonly Stretch<Named>[]): Promise<Body> {
  if (isSmall(form, stretches)) return plain(context, form, form.pieces(stretches));
  const pacer = createPacer();
  const items = [];
  const separator = stored(form.separator);
  let [count, bytes] = [0, 0];
  for (const stretch of stretches) {
    const deflated = await stretch.deflated(form.encoding);
    if (deflated.length > 0) {
      if (items.length > 0 && separator.length > 0) items.push(separator);
      items.push(deflated);
      count += deflated.instants.length;
      bytes += deflated.length;
      context.gaveOut(deflated.instants);
    }
    if (pacer.due()) await pacer.rest();
  }
  const { opening, end } = form.frame(count, bytes);
  return { coding: 'gzip', chunks: chunksOf(gzipBody([stored(opening), ...items, stored(end)])), held: [] };
}

/** What is made to find out is kept: a small list's bytes are its answer. */
function isSmall({ encoding }: ListForm, stretches: readonly Stretch<Named>[]): boolean {
  let bytes = 0;
  for (const stretch of stretches) {
    bytes += stretch.encoded(encoding).bytes.length;
    if (bytes > GZIP_FROM_BYTES) return false;
  }
  return true;
}
