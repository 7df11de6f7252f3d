// List answers. A whole list is the store's ready stretches between two short texts; any other list is made item by item.
// Contract: metrics-server pkg/api: always the full list, `metadata: {}`, objects without metrics left out.
import type { Answer } from './answer.ts';
import { JSON_TYPE } from './answer.ts';
import { createChunkList } from './chunks.ts';
import { objectOpening, partialOf, rowOf } from './item-text.ts';
import type { ListGate } from './list-gate.ts';
import { listOptions } from './list-options.ts';
import type { Form, MetaVersion } from './media-type.ts';
import { createPacer } from './pacer.ts';
import type { ResourcePath } from './path.ts';
import type { ItemSource, Stretch } from '../store/views.ts';
import type { Item } from './resource.ts';
import type { Refusal } from './status.ts';
import { notAcceptable, tooManyRequests } from './status.ts';
import { includeObject, TABLE_END, tableOpening } from './table.ts';

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
  readonly form: Form;
}

/** As many stretches hold thousands of objects. */
const BIG_LIST_STRETCHES = 8;
const COMMA = Buffer.from(',');
const LIST_END = ']}\n';

export async function list(context: ApiContext, request: ResourceRequest): Promise<Answer | Refusal> {
  const { resource, namespace } = request.path;
  const options = listOptions(resource.resource, request.query);
  if (options.kind === 'refusal') return options;
  const write = listWriter(context, request, options.matches);
  if (typeof write !== 'function') return write;
  const stretches = resource.stretches(context.source, namespace);
  const leave = stretches.length < BIG_LIST_STRETCHES ? noGate : context.gate.enter();
  if (!leave) return tooManyRequests;
  try {
    return { kind: 'answer', code: 200, contentType: JSON_TYPE, chunks: await write(stretches), done: leave };
  } catch (error) {
    leave();
    throw error;
  }
}

function noGate(): void {
  // A small list passes.
}

type Writer = (stretches: readonly Stretch[]) => Promise<readonly Buffer[]>;
type Matches = ((object: Item['record']) => boolean) | undefined;

function listWriter(context: ApiContext, request: ResourceRequest, matches: Matches): Writer | Refusal {
  const { path, form, query } = request;
  const { resource, version, namespace } = path;
  const opening = `${objectOpening(`${resource.kind}List`, version)}"metadata":{},"items":[`;
  const wanted = (): Item[] => {
    const items: Item[] = [];
    for (const item of resource.items(context.source, namespace))
      if (!matches || matches(item.record)) items.push(item);
    return items;
  };
  switch (form.kind) {
    case 'partial':
      return notAcceptable(
        `you requested PartialObjectMetadata, but the requested object is a list (*metrics.${resource.kind}List)`,
      );
    case 'partial_list':
      return async () => itemChunks(context, wanted(), partialListForm(form.version));
    case 'table': {
      const include = includeObject(query);
      if (typeof include !== 'string') return include;
      const options = { resource, version, metaVersion: form.version, include };
      const empty = tableOpening(form.version, true);
      const itemForm = { opening: tableOpening(form.version, false), end: TABLE_END, empty };
      return async () =>
        itemChunks(context, wanted(), { ...itemForm, bytesOf: (item) => bufferOf(rowOf(item, options)) });
    }
    case 'object':
      if (!matches) return (stretches) => stretchChunks(context, stretches, opening);
      return async () =>
        itemChunks(context, wanted(), {
          opening,
          end: LIST_END,
          empty: `${opening}${LIST_END}`,
          bytesOf: (item) => item.bytes(),
        });
  }
}

async function stretchChunks(
  { gaveOut }: ApiContext,
  stretches: readonly Stretch[],
  opening: string,
): Promise<readonly Buffer[]> {
  const chunks = createChunkList();
  const pacer = createPacer();
  chunks.addText(opening);
  let first = true;
  for (const stretch of stretches) {
    const bytes = stretch.bytes();
    if (bytes.length === 0) continue;
    // Each stretch begins with a comma, which the first one has no need of.
    chunks.add(first ? bytes.subarray(1) : bytes);
    first = false;
    gaveOut(stretch.instants());
    if (pacer.due()) await pacer.rest();
  }
  chunks.addText(LIST_END);
  return chunks.chunks();
}

interface ItemForm {
  readonly opening: string;
  readonly end: string;
  /** The whole body of a list without items. */
  readonly empty: string;
  /** Undefined for an object without metrics. */
  readonly bytesOf: (item: Item) => Buffer | undefined;
}

function partialListForm(version: MetaVersion): ItemForm {
  const opening = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${version}","metadata":{},"items":[`;
  return {
    opening,
    end: LIST_END,
    empty: `${opening}${LIST_END}`,
    bytesOf: (item) => bufferOf(partialOf(item, version)),
  };
}

function bufferOf(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

async function itemChunks({ gaveOut }: ApiContext, items: readonly Item[], form: ItemForm): Promise<readonly Buffer[]> {
  const chunks = createChunkList();
  const pacer = createPacer();
  const instants = new Float64Array(items.length);
  let count = 0;
  for (const item of items) {
    const bytes = form.bytesOf(item);
    if (!bytes) continue;
    if (count++ === 0) chunks.addText(form.opening);
    else chunks.add(COMMA);
    chunks.add(bytes);
    instants[count - 1] = item.usage()?.atWallMs ?? NaN;
    if (pacer.due()) await pacer.rest();
  }
  chunks.addText(count === 0 ? form.empty : form.end);
  gaveOut(instants.subarray(0, count));
  return chunks.chunks();
}
