// An item of a NodeMetricsList or PodMetricsList as JSON, without kind and apiVersion: the same bytes serve v1 and v1beta1.
// Contract: k8s.io/metrics v1 and v1beta1 types; creationTimestamp and timestamp are both the point's.
import type { NodeRecord, PodRecord } from '../kube/records.ts';
import type { ItemEncoding, ItemTail, ItemTemplate, Usage } from '../store/views.ts';
import { writeBytes } from './ascii.ts';
import { DURATION_MAX_BYTES, writeDuration } from './duration-text.ts';
import { hasSwap, runningNames } from './item-usage.ts';
import type { Named } from './item-usage.ts';
import { jsonString } from './json-string.ts';
import { QUANTITY_MAX_BYTES, writeCpu, writeMemory } from './quantity-text.ts';
import { createTails } from './tails.ts';
import { TIME_BYTES, timeText, writeTime } from './time-text.ts';

const NO_TIME = ' '.repeat(TIME_BYTES);
const WINDOW = '","window":"';
const MEMORY = Buffer.from('","memory":"');
const SWAP = Buffer.from('","swap":"');
/** From the cpu's text to that of the last resource. */
const USAGE_MAX_BYTES = 3 * QUANTITY_MAX_BYTES + MEMORY.length + SWAP.length;

export const podJson: ItemEncoding<PodRecord> = {
  separator: Buffer.from(','),
  template: (record) => template(record, podTails.of(runningNames(record))),
};

export const nodeJson: ItemEncoding<NodeRecord> = {
  separator: Buffer.from(','),
  template: (record) => template(record, NODE_TAIL),
};

/** From the brace to the window's text. */
function template(record: Named, tail: ItemTail): ItemTemplate {
  const { before, after } = metadataParts(record);
  const head = Buffer.from(`{"metadata":${before}${NO_TIME}${after},"timestamp":"${NO_TIME}${WINDOW}`);
  return { head, createdAt: Buffer.byteLength(`{"metadata":${before}`), tail };
}

const podTails = createTails((names) => {
  if (names.length === 0) return tailOf([], '","containers":[]}');
  const befores = names.map(
    (name, index) => `${index === 0 ? '","containers":[' : '"}},'}{"name":${jsonString(name)},"usage":{"cpu":"`,
  );
  return tailOf(befores, '"}}]}');
});
const NODE_TAIL = tailOf(['","usage":{"cpu":"'], '"}}');

/** @param befores what is before each usage's cpu */
function tailOf(befores: readonly string[], ending: string): ItemTail {
  const parts = befores.map((before) => Buffer.from(before));
  const end = Buffer.from(ending);
  const most = DURATION_MAX_BYTES + end.length;
  return {
    maxBytes: parts.reduce((sum, { length }) => sum + length + USAGE_MAX_BYTES, most),
    complete(out, _start, headEnd, createdAt, usage) {
      writeTime(out, createdAt, usage.atWallMs);
      writeTime(out, headEnd - WINDOW.length - TIME_BYTES, usage.atWallMs);
      const swaps = hasSwap(usage);
      let at = writeDuration(out, headEnd, usage.windowUs);
      for (let index = 0; index < parts.length; index++) {
        at = writeBytes(out, at, parts[index]!);
        at = writeUsage(out, at, usage, index, swaps);
      }
      return writeBytes(out, at, end);
    },
  };
}

function writeUsage(out: Uint8Array, offset: number, usage: Usage, index: number, swaps: boolean): number {
  let at = writeCpu(out, offset, usage.cpuNanos[index]!);
  at = writeMemory(out, writeBytes(out, at, MEMORY), usage.workingSetBytes[index]!);
  return swaps ? writeMemory(out, writeBytes(out, at, SWAP), usage.swapBytes![index]!) : at;
}

/** ObjectMeta as JSON. */
export function metadataText(record: Named, atWallMs: number): string {
  const { before, after } = metadataParts(record);
  return `${before}${timeText(atWallMs)}${after}`;
}

/** ObjectMeta before and behind the text of creationTimestamp. */
function metadataParts({ namespace, name, labels }: Named): { readonly before: string; readonly after: string } {
  const place = namespace === undefined ? '' : `"namespace":${jsonString(namespace)},`;
  const keys = Object.keys(labels).sort();
  const pairs = keys.map((key) => `${jsonString(key)}:${jsonString(labels[key]!)}`);
  return {
    before: `{"name":${jsonString(name)},${place}"creationTimestamp":"`,
    after: pairs.length === 0 ? '"}' : `","labels":{${pairs.join(',')}}}`,
  };
}
