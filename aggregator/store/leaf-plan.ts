// What of a leaf's bytes stays while only numbers change: the slots of its items in order, and per encoding the items' heads
// side by side. Encoding a leaf then runs through a few typed arrays and not through hundreds of objects.
import type { Encoding, ItemEncoding, ItemTail } from './views.ts';

/** What of an entry a plan is made of. */
interface Planned<Record> {
  readonly record: Record;
  readonly slots: readonly number[];
}

export interface LeafPlan {
  /** Where in the leaf's entries each item is: entries that can't be served are no items. */
  readonly entryOf: Uint16Array;
  /** Of all items, one after the other. */
  readonly slots: Int32Array;
  /** Where in `slots` an item's slots end. */
  readonly slotsEnd: Int32Array;
  readonly templates: { [encoding in Encoding]?: LeafTemplates };
}

export interface LeafTemplates {
  readonly heads: Buffer;
  /** Where in `heads` an item's head ends. */
  readonly headEnd: Int32Array;
  /** Where in an item's head its first gap is. */
  readonly createdAt: Int32Array;
  readonly tails: readonly ItemTail[];
  /** The most bytes that an item takes, separator included. */
  readonly maxItemBytes: number;
}

export function planOf(entries: readonly Planned<unknown>[]): LeafPlan {
  const served = entries.flatMap(({ slots }, at) => (slots.length === 0 ? [] : at));
  let end = 0;
  const slotsEnd = Int32Array.from(served, (at) => (end += entries[at]!.slots.length));
  const slots = Int32Array.from(served.flatMap((at) => entries[at]!.slots));
  return { entryOf: Uint16Array.from(served), slots, slotsEnd, templates: {} };
}

export function templatesOf<Record>(
  plan: LeafPlan,
  encoding: Encoding,
  how: ItemEncoding<Record>,
  entries: readonly Planned<Record>[],
): LeafTemplates {
  const known = plan.templates[encoding];
  if (known) return known;
  const items = Array.from(plan.entryOf, (at) => how.template(entries[at]!.record));
  let end = 0;
  const made: LeafTemplates = {
    heads: ownBuffer(items.map(({ head }) => head)),
    headEnd: Int32Array.from(items, ({ head }) => (end += head.length)),
    createdAt: Int32Array.from(items, ({ createdAt }) => createdAt),
    tails: items.map(({ tail }) => tail),
    maxItemBytes: items.reduce(
      (most, { head, tail }) => Math.max(most, how.separator.length + head.length + tail.maxBytes),
      0,
    ),
  };
  plan.templates[encoding] = made;
  return made;
}

/** Not of Node's shared pool, which it would keep alive. */
function ownBuffer(parts: readonly Uint8Array[]): Buffer {
  const joined = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
