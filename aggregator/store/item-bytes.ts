// Points → usage → bytes: of one item when asked for it, of a whole leaf when a list passes and something in it has changed.
import type { Entry } from './entries.ts';
import { Deflater } from './deflater.ts';
import type { Deflate } from './deflater.ts';
import type { LeafPlan } from './leaf-plan.ts';
import { planOf, templatesOf } from './leaf-plan.ts';
import type { MadeEncoding } from './made-bytes.ts';
import { copyOf, deflated, encodedIn } from './made-bytes.ts';
import type { Leaf } from './name-index.ts';
import {
  CPU_WINDOW_US,
  POINT_FIELDS,
  POINT_MONO_MS,
  POINT_WALL_MS,
  SWAP_BYTES,
  WINDOW_US,
  WORKING_SET_BYTES,
} from './points.ts';
import type { Points } from './points.ts';
import type { Deflated, Encoded, Encoding, ItemEncoding, Usage } from './views.ts';

const FIRST_SCRATCH_BYTES = 256 * 1024;

/** What is written in `#scratch`. */
interface Written {
  readonly length: number;
  readonly instants: Float64Array;
  readonly validUntilMonoMs: number;
}

export class ItemBytes {
  readonly #points: Points;
  readonly #stalenessMs: number;
  readonly #usage: Required<Usage> = {
    atWallMs: NaN,
    windowUs: NaN,
    count: 0,
    cpuNanos: new Float64Array(8),
    workingSetBytes: new Float64Array(8),
    swapBytes: new Float64Array(8),
  };
  /** When the usage that was read last becomes stale, monotonic ms. */
  #staleAtMonoMs = NaN;
  #numbers = new Float64Array(1024 * POINT_FIELDS);
  #scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH_BYTES);
  /** Takes the scratch's place while that is being compressed. */
  #otherScratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH_BYTES);
  readonly #deflater = new Deflater();

  constructor(points: Points, stalenessMs: number) {
    this.#points = points;
    this.#stalenessMs = stalenessMs;
  }

  /** Undefined unless every slot of the entry has a fresh point. Valid until the next call. */
  usageOf<Record>({ slots }: Entry<Record>, nowMonoMs: number): Usage | undefined {
    if (slots.length === 0) return undefined;
    return this.#read(this.#gathered(slots), 0, slots.length, nowMonoMs) ? this.#usage : undefined;
  }

  itemOf<Record>(entry: Entry<Record>, encoding: ItemEncoding<Record>, nowMonoMs: number): Buffer | undefined {
    const usage = this.usageOf(entry, nowMonoMs);
    if (usage === undefined) return undefined;
    const { head, createdAt, tail } = encoding.template(entry.record);
    const out = Buffer.allocUnsafe(head.length + tail.maxBytes);
    out.set(head);
    return out.subarray(0, tail.complete(out, 0, head.length, createdAt, usage));
  }

  encodedOf<Record>(
    leaf: Leaf<Entry<Record>>,
    encoding: Encoding,
    how: ItemEncoding<Record>,
    nowMonoMs: number,
  ): Encoded {
    const ready = readyOf(leaf, encoding, nowMonoMs);
    if (ready?.encoded) return ready.encoded;
    const written = this.#write(leaf, encoding, how, nowMonoMs);
    const encoded = encodedIn(leaf.spare[encoding], this.#scratch, written.length, written.instants);
    keep(leaf, encoding, written).encoded = encoded;
    leaf.spare[encoding] = { encoded: new WeakRef(encoded) };
    return encoded;
  }

  /** Made of bytes that are not kept, unless they are there; one stretch at a time. */
  async deflatedOf<Record>(
    leaf: Leaf<Entry<Record>>,
    encoding: Encoding,
    how: ItemEncoding<Record>,
    clock: () => number,
  ): Promise<Deflated> {
    const ready = readyOf(leaf, encoding, clock())?.deflated;
    return ready ?? this.#deflater.turn((deflate) => this.#deflated(deflate, leaf, encoding, how, clock()));
  }

  /** While it is compressed numbers may change: then it is given out once and not kept. */
  async #deflated<Record>(
    deflate: Deflate,
    leaf: Leaf<Entry<Record>>,
    encoding: Encoding,
    how: ItemEncoding<Record>,
    nowMonoMs: number,
  ): Promise<Deflated> {
    const ready = readyOf(leaf, encoding, nowMonoMs);
    if (ready?.deflated) return ready.deflated;
    if (ready?.encoded) {
      const { encoded } = ready;
      encoded.users++;
      try {
        ready.deflated = await deflated(deflate, encoded.bytes.subarray(how.separator.length), encoded.instants);
      } finally {
        encoded.users--;
      }
      return ready.deflated;
    }
    const written = this.#write(leaf, encoding, how, nowMonoMs);
    const bytes = this.#scratch.subarray(how.separator.length, written.length);
    [this.#scratch, this.#otherScratch] = [this.#otherScratch, this.#scratch];
    const kept = keep(leaf, encoding, written);
    kept.deflated = await deflated(deflate, bytes, written.instants);
    return kept.deflated;
  }

  selectedOf<Record>(
    leaf: Leaf<Entry<Record>>,
    encoding: Encoding,
    how: ItemEncoding<Record>,
    matches: (record: Record) => boolean,
    nowMonoMs: number,
  ): Encoded {
    const { length, instants } = this.#write(leaf, encoding, how, nowMonoMs, matches);
    return { bytes: copyOf(this.#scratch, length), instants, users: 0 };
  }

  /** Into the scratch: a separator and an item for each entry that can be served and matches. */
  #write<Record>(
    leaf: Leaf<Entry<Record>>,
    encoding: Encoding,
    how: ItemEncoding<Record>,
    nowMonoMs: number,
    matches?: (record: Record) => boolean,
  ): Written {
    const { entries } = leaf;
    const plan = keptPlan(leaf);
    const { heads, headEnd, createdAt, tails, maxItemBytes } = templatesOf(plan, encoding, how, entries);
    const { separator } = how;
    const numbers = this.#gathered(plan.slots);
    const instants = new Float64Array(tails.length);
    let [count, offset, validUntilMonoMs] = [0, 0, Infinity];
    for (let item = 0; item < tails.length; item++) {
      if (matches && !matches(entries[plan.entryOf[item]!]!.record)) continue;
      const from = item === 0 ? 0 : plan.slotsEnd[item - 1]!;
      if (!this.#read(numbers, from, plan.slotsEnd[item]!, nowMonoMs)) continue;
      if (offset + maxItemBytes > this.#scratch.length) this.#growScratch(offset, maxItemBytes);
      const out = this.#scratch;
      for (let at = 0; at < separator.length; at++) out[offset++] = separator[at]!;
      const start = offset;
      // Not a subarray of it: an object an item is 5 MB of garbage a list.
      offset += heads.copy(out, offset, item === 0 ? 0 : headEnd[item - 1], headEnd[item]);
      offset = tails[item]!.complete(out, start, offset, start + createdAt[item]!, this.#usage);
      instants[count++] = this.#usage.atWallMs;
      if (this.#staleAtMonoMs < validUntilMonoMs) validUntilMonoMs = this.#staleAtMonoMs;
    }
    return { length: offset, instants: instants.subarray(0, count), validUntilMonoMs };
  }

  /**
   * The points of these slots one after the other, until the next call. Slots are asked for in the order of names, and so lie anywhere:
   * in a loop that does nothing else the processor waits for ten of them at a time, between the numbers of two items for each alone.
   */
  #gathered(slots: ArrayLike<number>): Float64Array {
    const { point } = this.#points;
    if (slots.length * POINT_FIELDS > this.#numbers.length)
      this.#numbers = new Float64Array(slots.length * 2 * POINT_FIELDS);
    const numbers = this.#numbers;
    for (let at = 0; at < slots.length; at++) {
      const [from, to] = [slots[at]! * POINT_FIELDS, at * POINT_FIELDS];
      numbers[to + POINT_MONO_MS] = point[from + POINT_MONO_MS]!;
      numbers[to + POINT_WALL_MS] = point[from + POINT_WALL_MS]!;
      numbers[to + WINDOW_US] = point[from + WINDOW_US]!;
      numbers[to + CPU_WINDOW_US] = point[from + CPU_WINDOW_US]!;
      numbers[to + WORKING_SET_BYTES] = point[from + WORKING_SET_BYTES]!;
      numbers[to + SWAP_BYTES] = point[from + SWAP_BYTES]!;
    }
    return numbers;
  }

  /**
   * Into `#usage`; false unless each has a fresh point.
   * @param numbers of points, of which these are `from` up to `to`
   */
  #read(numbers: Float64Array, from: number, to: number, nowMonoMs: number): boolean {
    const usage = this.#usage;
    const { cpuNanos, workingSetBytes, swapBytes } =
      to - from > usage.cpuNanos.length ? this.#widened(to - from) : usage;
    let first = from * POINT_FIELDS;
    for (let at = from; at < to; at++) {
      const of = at * POINT_FIELDS;
      const readMonoMs = numbers[of + POINT_MONO_MS]!;
      if (!(nowMonoMs - readMonoMs <= this.#stalenessMs)) return false;
      if (readMonoMs < numbers[first + POINT_MONO_MS]!) first = of;
      cpuNanos[at - from] = Math.floor((numbers[of + CPU_WINDOW_US]! * 1e9) / numbers[of + WINDOW_US]!);
      workingSetBytes[at - from] = Math.floor(numbers[of + WORKING_SET_BYTES]!);
      swapBytes[at - from] = Math.floor(numbers[of + SWAP_BYTES]!);
    }
    usage.count = to - from;
    usage.atWallMs = numbers[first + POINT_WALL_MS]!;
    usage.windowUs = numbers[first + WINDOW_US]!;
    this.#staleAtMonoMs = numbers[first + POINT_MONO_MS]! + this.#stalenessMs;
    return true;
  }

  #widened(count: number): Required<Usage> {
    this.#usage.cpuNanos = new Float64Array(count * 2);
    this.#usage.workingSetBytes = new Float64Array(count * 2);
    this.#usage.swapBytes = new Float64Array(count * 2);
    return this.#usage;
  }

  #growScratch(used: number, more: number): void {
    const grown = Buffer.allocUnsafeSlow((used + more) * 2);
    this.#scratch.copy(grown, 0, 0, used);
    this.#scratch = grown;
  }
}

function keptPlan<Record>(leaf: Leaf<Entry<Record>>): LeafPlan {
  const plan = leaf.plan ?? planOf(leaf.entries);
  if (!leaf.retired) leaf.plan = plan;
  return plan;
}

function readyOf<Record>(
  { made }: Leaf<Entry<Record>>,
  encoding: Encoding,
  nowMonoMs: number,
): MadeEncoding | undefined {
  const ready = made?.[encoding];
  return ready && nowMonoMs <= ready.validUntilMonoMs ? ready : undefined;
}

function keep<Record>(leaf: Leaf<Entry<Record>>, encoding: Encoding, { validUntilMonoMs }: Written): MadeEncoding {
  const kept: MadeEncoding = { validUntilMonoMs };
  if (!leaf.retired) (leaf.made ??= {})[encoding] = kept;
  return kept;
}
