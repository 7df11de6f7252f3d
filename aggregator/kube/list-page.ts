// One page of a List (meta/v1): its items one by one, so that no more than one of them is there at a time, then its metadata.
import { objectOf, ShapedReader, WHOLE } from './json-shape.ts';
import type { Shape, SharedValues } from './json-shape.ts';
import type { WireObject } from './wire.ts';

export interface ListMeta {
  readonly resourceVersion?: string;
  /** Of the next page; none or '': this was the last. */
  readonly continue?: string;
}

const META = objectOf({ resourceVersion: WHOLE, continue: WHOLE });

/** @throws SyntaxError */
export function* readListPage(page: Buffer, item: Shape, shared: SharedValues): Generator<WireObject, ListMeta> {
  const reader = new ShapedReader(page, shared);
  let meta: ListMeta = {};
  for (const key of reader.keys()) {
    if (key === 'metadata') meta = reader.value(META) as ListMeta;
    else if (key === 'items') yield* reader.elements(item) as Generator<WireObject>;
    else reader.skip();
  }
  reader.end();
  return meta;
}
