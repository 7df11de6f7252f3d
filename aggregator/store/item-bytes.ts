// Points → usage → bytes: of one item when asked for it, of a whole leaf when a list passes and something in it has changed.
import type { Entry } from './entries.ts';
import type { Leaf } from './name-index.ts';
import type { Points } from './points.ts';
import type { Usage } from './views.ts';

const COMMA = 0x2c;
const NOTHING = Buffer.alloc(0);
const FIRST_SCRATCH_BYTES = 256 * 1024;

export class ItemBytes {
  readonly #points: Points;
  readonly #stalenessMs: number;
  readonly #usage: Usage = {
    atWallMs: NaN,
    windowUs: NaN,
    count: 0,
    cpuNanos: new Float64Array(8),
    workingSetBytes: new Float64Array(8),
  };
  /** When the usage that was read last becomes stale, monotonic ms. */
  #staleAtMonoMs = NaN;
  #scratch = Buffer.allocUnsafeSlow(FIRST_SCRATCH_BYTES);

  constructor(points: Points, stalenessMs: number) {
    this.#points = points;
    this.#stalenessMs = stalenessMs;
  }

  /** Undefined unless every slot of the entry has a fresh point. Valid until the next call. */
  usageOf<Record>(entry: Entry<Record>, nowMonoMs: number): Usage | undefined {
    const { slots } = entry;
    if (slots.length === 0) return undefined;
    const { pointMonoMs, pointWallMs, windowUs, cpuWindowUs, workingSetBytes } = this.#points.column;
    const usage = this.#usage;
    if (slots.length > usage.cpuNanos.length) this.#widen(slots.length);
    let first = slots[0]!;
    for (let at = 0; at < slots.length; at++) {
      const slot = slots[at]!;
      if (!(nowMonoMs - pointMonoMs[slot]! <= this.#stalenessMs)) return undefined;
      if (pointMonoMs[slot]! < pointMonoMs[first]!) first = slot;
      usage.cpuNanos[at] = Math.floor((cpuWindowUs[slot]! * 1e9) / windowUs[slot]!);
      usage.workingSetBytes[at] = Math.floor(workingSetBytes[slot]!);
    }
    usage.count = slots.length;
    usage.atWallMs = pointWallMs[first]!;
    usage.windowUs = windowUs[first]!;
    this.#staleAtMonoMs = pointMonoMs[first]! + this.#stalenessMs;
    return usage;
  }

  itemOf<Record>(entry: Entry<Record>, nowMonoMs: number): Buffer | undefined {
    const usage = this.usageOf(entry, nowMonoMs);
    if (usage === undefined) return undefined;
    const out = Buffer.allocUnsafe(entry.writer.maxBytes);
    return out.subarray(0, entry.writer.write(out, 0, usage));
  }

  /** Ready bytes, or made now: a comma and an item for each entry that can be served. */
  bytesOf<Record>(leaf: Leaf<Entry<Record>>, nowMonoMs: number): Buffer {
    if (leaf.bytes !== undefined && nowMonoMs <= leaf.validUntilMonoMs) return leaf.bytes;
    const instants = new Float64Array(leaf.entries.length);
    let count = 0;
    let offset = 0;
    leaf.validUntilMonoMs = Infinity;
    for (const entry of leaf.entries) {
      const usage = this.usageOf(entry, nowMonoMs);
      if (usage === undefined) continue;
      if (offset + 1 + entry.writer.maxBytes > this.#scratch.length) this.#growScratch(offset, entry.writer.maxBytes);
      this.#scratch[offset++] = COMMA;
      offset = entry.writer.write(this.#scratch, offset, usage);
      instants[count++] = usage.atWallMs;
      if (this.#staleAtMonoMs < leaf.validUntilMonoMs) leaf.validUntilMonoMs = this.#staleAtMonoMs;
    }
    leaf.instants = instants.subarray(0, count);
    leaf.bytes = offset === 0 ? NOTHING : copyOf(this.#scratch, offset);
    return leaf.bytes;
  }

  #widen(count: number): void {
    this.#usage.cpuNanos = new Float64Array(count * 2);
    this.#usage.workingSetBytes = new Float64Array(count * 2);
  }

  #growScratch(used: number, more: number): void {
    const grown = Buffer.allocUnsafeSlow((used + 1 + more) * 2);
    this.#scratch.copy(grown, 0, 0, used);
    this.#scratch = grown;
  }
}

/** Of memory of its own: a slice of Node's shared pool would keep its neighbours alive. */
function copyOf(bytes: Buffer, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  bytes.copy(copy, 0, 0, length);
  return copy;
}
