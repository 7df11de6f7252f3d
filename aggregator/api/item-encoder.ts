// An item of a NodeMetricsList or PodMetricsList as JSON, without kind and apiVersion: the same bytes serve v1 and v1beta1.
// Contract: k8s.io/metrics v1 and v1beta1 types; creationTimestamp and timestamp are both the point's.
// What does not change with the numbers is made once a record, so that writing an item is copying and printing digits.
import type { Encoders, ItemWriter, Usage } from '../store/views.ts';
import { DURATION_MAX_BYTES, writeDuration } from './duration-text.ts';
import { jsonString } from './json-string.ts';
import { QUANTITY_MAX_BYTES, writeCpu, writeMemory } from './quantity-text.ts';
import { TIME_BYTES, timeText, writeTime } from './time-text.ts';

/** What an item's metadata is made of: a pod's or a node's record. */
export interface Named {
  /** Absent for nodes. */
  readonly namespace?: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const NO_TIME = ' '.repeat(TIME_BYTES);
const MEMORY = Buffer.from('","memory":"');
const ITEM_END = Buffer.from('"}}]}');
const NODE_END = Buffer.from('"}}');
const NO_CONTAINERS = Buffer.from('","containers":[]}');

export const metricsEncoders: Encoders = {
  encodePod: (record) =>
    podWriter(
      record,
      record.containers.filter(({ running }) => running).map(({ name }) => name),
    ),
  encodeNode: (record) => nodeWriter(record),
};

function podWriter(record: Named, names: readonly string[]): ItemWriter {
  const writeOpening = openingWriter(record);
  const befores = names.map((name, index) =>
    Buffer.from(`${index === 0 ? '","containers":[' : '"}},'}{"name":${jsonString(name)},"usage":{"cpu":"`),
  );
  const end = names.length === 0 ? NO_CONTAINERS : ITEM_END;
  return {
    maxBytes:
      writeOpening.maxBytes + befores.reduce((sum, before) => sum + before.length + USAGE_MAX_BYTES, end.length),
    write(out, offset, usage) {
      let at = writeOpening.write(out, offset, usage);
      for (let index = 0; index < befores.length; index++) {
        const before = befores[index]!;
        out.set(before, at);
        at = writeUsage(out, at + before.length, usage, index);
      }
      out.set(end, at);
      return at + end.length;
    },
  };
}

const NODE_USAGE = Buffer.from('","usage":{"cpu":"');

function nodeWriter(record: Named): ItemWriter {
  const writeOpening = openingWriter(record);
  return {
    maxBytes: writeOpening.maxBytes + NODE_USAGE.length + USAGE_MAX_BYTES + NODE_END.length,
    write(out, offset, usage) {
      const at = writeOpening.write(out, offset, usage);
      out.set(NODE_USAGE, at);
      const end = writeUsage(out, at + NODE_USAGE.length, usage, 0);
      out.set(NODE_END, end);
      return end + NODE_END.length;
    },
  };
}

/** From the brace to the window's text; both times have their place in bytes that are copied as a whole. */
function openingWriter(record: Named): ItemWriter {
  const metadata = metadataParts(record);
  const opening = Buffer.from(
    `{"metadata":${metadata.before}${NO_TIME}${metadata.after},"timestamp":"${NO_TIME}","window":"`,
  );
  const created = Buffer.byteLength(`{"metadata":${metadata.before}`);
  const read = opening.length - '","window":"'.length - TIME_BYTES;
  return {
    maxBytes: opening.length + DURATION_MAX_BYTES,
    write(out, offset, { atWallMs, windowUs }) {
      out.set(opening, offset);
      writeTime(out, offset + created, atWallMs);
      writeTime(out, offset + read, atWallMs);
      return writeDuration(out, offset + opening.length, windowUs);
    },
  };
}

const USAGE_MAX_BYTES = QUANTITY_MAX_BYTES + MEMORY.length + QUANTITY_MAX_BYTES;

/** From the cpu's text to the memory's. */
function writeUsage(out: Uint8Array, offset: number, usage: Usage, index: number): number {
  const at = writeCpu(out, offset, usage.cpuNanos[index]!);
  out.set(MEMORY, at);
  return writeMemory(out, at + MEMORY.length, usage.workingSetBytes[index]!);
}

/** ObjectMeta as JSON. */
export function metadataText(record: Named, atWallMs: number): string {
  const { before, after } = metadataParts(record);
  return `${before}${timeText(atWallMs)}${after}`;
}

/** ObjectMeta before and behind the text of creationTimestamp. */
function metadataParts({ namespace, name, labels }: Named): { readonly before: string; readonly after: string } {
  const place = namespace === undefined ? '' : `"namespace":${jsonString(namespace)},`;
  const pairs = Object.entries(labels).map(([key, value]) => `${jsonString(key)}:${jsonString(value)}`);
  return {
    before: `{"name":${jsonString(name)},${place}"creationTimestamp":"`,
    after: pairs.length === 0 ? '"}' : `","labels":{${pairs.join(',')}}}`,
  };
}
