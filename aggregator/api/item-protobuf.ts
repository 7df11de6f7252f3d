// An item of a NodeMetricsList or PodMetricsList as protocol buffers, as the list's field 2: the same bytes serve v1 and v1beta1.
// Contract: k8s.io/metrics v1 generated.proto: metadata=1, timestamp=2, window=3, usage=4 of nodes, containers=4 of pods;
// ContainerMetrics name=1, usage=2; Quantity string=1. Byte for byte what Go's encoder makes.
import type { NodeRecord, PodRecord } from '../kube/records.ts';
import type { ItemEncoding, ItemTail, ItemTemplate, Usage } from '../store/views.ts';
import { writeBytes } from './ascii.ts';
import { hasSwap, runningNames } from './item-usage.ts';
import type { Named } from './item-usage.ts';
import { metadataMaxBytes, NO_NANOS, SECONDS_BYTES, TIME, writeMetadata, writeSeconds } from './kube-protobuf.ts';
import { field, lengthTag, VARINT_MAX_BYTES, writeLength, writeVarint } from './protobuf.ts';
import { QUANTITY_MAX_BYTES, writeCpu, writeMemory } from './quantity-text.ts';
import { createTails } from './tails.ts';

const ITEMS = lengthTag(2);
const TIMESTAMP = field(2, TIME);
/** Room for an item's length: from 128 to 16,383 it takes this much, and an item is moved where it is not among these. */
const LENGTH_BYTES = 2;
const WINDOW = lengthTag(3);
const NUMBERS = lengthTag(4);
const CONTAINER_USAGE = lengthTag(2);
const DURATION = 0x08;
const QUANTITY = lengthTag(2);
const TEXT = lengthTag(1);
const CPU = field(1, 'cpu');
const MEMORY = field(1, 'memory');
const SWAP = field(1, 'swap');
/** Tags and lengths around a quantity, each length one byte. */
const AROUND_QUANTITY = 6;
const USAGE_MAX_BYTES = 3 * (AROUND_QUANTITY + QUANTITY_MAX_BYTES) + CPU.length + MEMORY.length + SWAP.length;
/** Window, and the bytes by which an item may be moved. */
const AROUND_NUMBERS = 2 + 1 + VARINT_MAX_BYTES + 2 + 3;
/** One more byte of length than the usual one. */
const AROUND_CONTAINER = 3;
const NS_PER_US = 1000;
/** Of int64 nanoseconds, a number that floats hold. */
const MAX_WINDOW_NS = 2 ** 62;

const NO_SEPARATOR = Buffer.alloc(0);

export const podProtobuf: ItemEncoding<PodRecord> = {
  separator: NO_SEPARATOR,
  template: (record) => template(record, podTails.of(runningNames(record))),
};

export const nodeProtobuf: ItemEncoding<NodeRecord> = {
  separator: NO_SEPARATOR,
  template: (record) => template(record, NODE_TAIL),
};

/** From the item's tag to the window. */
function template(record: Named, tail: ItemTail): ItemTemplate {
  const out = Buffer.allocUnsafe(1 + LENGTH_BYTES + metadataMaxBytes(record) + 2 + TIME.length);
  out[0] = ITEMS;
  const { createdAt, end } = writeMetadata(out, 1 + LENGTH_BYTES, 1, record);
  const timed = writeBytes(out, end, TIMESTAMP);
  return { head: out.subarray(0, timed), createdAt, tail };
}

const podTails = createTails((names) => {
  const fieldsOfNames = names.map((name) => field(1, name));
  return tailOf(
    fieldsOfNames.reduce((sum, { length }) => sum + AROUND_CONTAINER + length + USAGE_MAX_BYTES, 0),
    (out, offset, usage, swaps) => {
      let at = offset;
      for (let index = 0; index < fieldsOfNames.length; index++)
        at = writeContainer(out, at, fieldsOfNames[index]!, usage, index, swaps);
      return at;
    },
  );
});
const NODE_TAIL = tailOf(USAGE_MAX_BYTES, (out, offset, usage, swaps) =>
  writeUsage(out, offset, NUMBERS, usage, 0, swaps),
);

type WriteNumbers = (out: Uint8Array, offset: number, usage: Usage, swaps: boolean) => number;

function tailOf(numbersMaxBytes: number, writeNumbers: WriteNumbers): ItemTail {
  return {
    maxBytes: AROUND_NUMBERS + numbersMaxBytes,
    complete(out, start, headEnd, createdAt, usage) {
      writeSeconds(out, createdAt, usage.atWallMs);
      writeSeconds(out, headEnd - NO_NANOS.length - SECONDS_BYTES, usage.atWallMs);
      const window = writeWindow(out, headEnd, usage.windowUs);
      return writeLength(out, start + 1, LENGTH_BYTES, writeNumbers(out, window, usage, hasSwap(usage)));
    },
  };
}

function writeWindow(out: Uint8Array, offset: number, windowUs: number): number {
  const ns = windowUs >= 1 ? Math.min(Math.trunc(windowUs) * NS_PER_US, MAX_WINDOW_NS) : 0;
  out[offset] = WINDOW;
  out[offset + 2] = DURATION;
  const end = writeVarint(out, offset + 3, ns);
  out[offset + 1] = end - offset - 2;
  return end;
}

function writeContainer(
  out: Uint8Array,
  offset: number,
  name: Uint8Array,
  usage: Usage,
  index: number,
  swaps: boolean,
): number {
  out[offset] = NUMBERS;
  const named = writeBytes(out, offset + 2, name);
  return writeLength(out, offset + 1, 1, writeUsage(out, named, CONTAINER_USAGE, usage, index, swaps));
}

function writeUsage(out: Uint8Array, offset: number, tag: number, usage: Usage, index: number, swaps: boolean): number {
  let at = writeQuantity(out, offset, tag, CPU, writeCpu, usage.cpuNanos[index]!);
  at = writeQuantity(out, at, tag, MEMORY, writeMemory, usage.workingSetBytes[index]!);
  return swaps ? writeQuantity(out, at, tag, SWAP, writeMemory, usage.swapBytes![index]!) : at;
}

/** An entry of a map<string, Quantity>: no length in it is above 127. */
function writeQuantity(
  out: Uint8Array,
  offset: number,
  tag: number,
  key: Uint8Array,
  write: typeof writeCpu,
  value: number,
): number {
  out[offset] = tag;
  const at = writeBytes(out, offset + 2, key);
  out[at] = QUANTITY;
  out[at + 2] = TEXT;
  const end = write(out, at + 4, value);
  out[at + 3] = end - at - 4;
  out[at + 1] = end - at - 2;
  out[offset + 1] = end - offset - 2;
  return end;
}
