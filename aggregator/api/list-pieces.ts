// A list's items in pieces of some hundred: the store's stretches as they are, what a selector leaves of them, or rows and
// metadata made item by item. Making the next piece may be put off, so that pushes get their turn.
import type { Encoded, Encoding, Stretch } from '../store/views.ts';
import { partialJson, partialMessage, rowOf } from './item-text.ts';
import type { RowOptions } from './item-text.ts';
import type { Named } from './item-usage.ts';
import { field } from './protobuf.ts';
import type { MetaVersion } from './resource-form.ts';
import type { Item } from './resource.ts';
import type { Json } from './yaml.ts';
import { yamlItems } from './yaml.ts';

export type Matches = ((object: Named) => boolean) | undefined;

const PIECE_ITEMS = 256;
const COMMA = Buffer.from(',');

export function* objectPieces(
  stretches: readonly Stretch<Named>[],
  encoding: Encoding,
  matches: Matches,
): Generator<Encoded> {
  for (const stretch of stretches) yield matches ? stretch.selected(encoding, matches) : stretch.encoded(encoding);
}

export function* partialPieces(
  items: Iterable<Item>,
  matches: Matches,
  encoding: Encoding,
  version: MetaVersion,
): Generator<Encoded> {
  const isJson = encoding === 'json';
  yield* itemPieces(items, matches, (item) => {
    if (isJson) return withComma(partialJson(item, version));
    const message = partialMessage(item);
    return message && field(2, message);
  });
}

/** @param decided told whether the first row has swap, which decides for all */
export function* rowPieces(
  items: Iterable<Item>,
  matches: Matches,
  options: RowOptions,
  decided: (swaps: boolean) => void,
): Generator<Encoded> {
  let swaps: boolean | undefined;
  yield* itemPieces(items, matches, (item) => {
    const row = rowOf(item, options, swaps);
    if (row && swaps === undefined) decided((swaps = row.swaps));
    return withComma(row?.text);
  });
}

function withComma(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.concat([COMMA, Buffer.from(text)]);
}

/** @param bytesOf undefined for an object without metrics */
function* itemPieces(
  items: Iterable<Item>,
  matches: Matches,
  bytesOf: (item: Item) => Buffer | undefined,
): Generator<Encoded> {
  let parts: Buffer[] = [];
  let instants: number[] = [];
  for (const item of items) {
    if (matches && !matches(item.record)) continue;
    const bytes = bytesOf(item);
    if (!bytes) continue;
    parts.push(bytes);
    instants.push(item.usage()?.atWallMs ?? NaN);
    if (parts.length < PIECE_ITEMS) continue;
    yield { bytes: Buffer.concat(parts), instants: Float64Array.from(instants), users: 0 };
    parts = [];
    instants = [];
  }
  yield { bytes: Buffer.concat(parts), instants: Float64Array.from(instants), users: 0 };
}

/** Pieces of JSON as YAML. */
export function* yamlPieces(pieces: Iterable<Encoded>): Generator<Encoded> {
  for (const { bytes, instants } of pieces) {
    if (bytes.length === 0) continue;
    const items = JSON.parse(`[${bytes.toString('utf8', COMMA.length)}]`) as Json[];
    yield { bytes: Buffer.from(`${yamlItems(items)}\n`), instants, users: 0 };
  }
}
