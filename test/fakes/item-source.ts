// What the metrics API reads, from plain lists: for tests that need no pushes. Items without usage have no metrics.
import { metricsEncoders } from '../../aggregator/api/item-encoder.ts';
import { Deflater } from '../../aggregator/store/deflater.ts';
import { deflated } from '../../aggregator/store/made-bytes.ts';
import type { NodeRecord, PodRecord } from '../../aggregator/kube/records.ts';
import type {
  Encoded,
  Encoders,
  Encoding,
  ItemEncoding,
  ItemSource,
  StoredItem,
  Stretch,
  Usage,
} from '../../aggregator/store/views.ts';

export interface FakePod {
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Names of the running containers; none: one of the name "app". */
  readonly containers?: readonly string[];
  readonly usage?: Usage;
}

export interface FakeNode {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly usage?: Usage;
}

/** Usage of as many containers as there are pairs of nanocores and bytes. */
export function usageOf(atWallMs: number, windowUs: number, ...pairs: readonly (readonly [number, number])[]): Usage {
  return {
    atWallMs,
    windowUs,
    count: pairs.length,
    cpuNanos: Float64Array.from(pairs, ([cpuNanos]) => cpuNanos),
    workingSetBytes: Float64Array.from(pairs, ([, bytes]) => bytes),
  };
}

/** Pods and nodes are sorted here; each stretch holds `stretchLength` of them. */
export function fakeItemSource(
  pods: readonly FakePod[],
  nodes: readonly FakeNode[] = [],
  stretchLength = 2,
): ItemSource {
  const podItems = pods
    .map((pod) => itemOf(podRecord(pod), metricsEncoders.encodePod, pod.usage))
    .sort((a, b) => compare(a.record.namespace, b.record.namespace) || compare(a.record.name, b.record.name));
  const nodeItems = nodes
    .map((node) => itemOf(nodeRecord(node), metricsEncoders.encodeNode, node.usage))
    .sort((a, b) => compare(a.record.name, b.record.name));
  const inNamespace = (namespace: string | undefined): StoredItem<PodRecord>[] =>
    podItems.filter(({ record }) => namespace === undefined || record.namespace === namespace);
  return {
    podStretches: (namespace) => stretches(inNamespace(namespace), stretchLength),
    nodeStretches: () => stretches(nodeItems, stretchLength),
    podItems: inNamespace,
    nodeItems: () => nodeItems,
    podItem: (namespace, name) => podItems.find(({ record }) => record.namespace === namespace && record.name === name),
    nodeItem: (name) => nodeItems.find(({ record }) => record.name === name),
  };
}

const deflater = new Deflater();

type Encodings<Record> = { readonly [encoding in Encoding]: ItemEncoding<Record> };

function itemOf<Record>(record: Record, encodings: Encodings<Record>, usage?: Usage): StoredItem<Record> {
  return {
    record,
    usage: () => usage,
    bytes: (encoding) => (usage ? encodedItem(encodings[encoding], record, usage) : undefined),
  };
}

/** An item as the store writes it. */
export function encodedItem<Record>({ template }: ItemEncoding<Record>, record: Record, usage: Usage): Buffer {
  const { head, createdAt, tail } = template(record);
  const out = Buffer.alloc(head.length + tail.maxBytes);
  out.set(head);
  return out.subarray(0, tail.complete(out, 0, head.length, createdAt, usage));
}

function stretches<Record>(items: readonly StoredItem<Record>[], length: number): Stretch<Record>[] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, index) => {
    const some = items.slice(index * length, (index + 1) * length);
    const encoded = (encoding: Encoding, matches: (record: Record) => boolean): Encoded => {
      const served = some.filter((item) => item.usage() && matches(item.record));
      const separator = SEPARATORS[encoding].separator;
      return {
        bytes: Buffer.concat(served.flatMap((item) => [separator, item.bytes(encoding)!])),
        instants: Float64Array.from(served, (item) => item.usage()!.atWallMs),
        users: 0,
      };
    };
    return {
      encoded: (encoding) => encoded(encoding, () => true),
      selected: encoded,
      deflated: (encoding) => {
        const { bytes, instants } = encoded(encoding, () => true);
        const items = bytes.subarray(SEPARATORS[encoding].separator.length);
        return deflater.turn((deflate) => deflated(deflate, items, instants));
      },
    };
  });
}

const SEPARATORS: Encoders['encodePod'] = metricsEncoders.encodePod;

function podRecord({ namespace, name, labels = {}, containers = ['app'] }: FakePod): PodRecord {
  return {
    uid: `uid-of-${namespace}-${name}`,
    namespace,
    name,
    nodeName: 'n1',
    labels,
    annotations: {},
    phase: 'Running',
    qosClass: 'BestEffort',
    terminating: false,
    isMirror: false,
    isWindows: false,
    generation: 1,
    observedGeneration: 1,
    resizeConditions: [],
    containers: containers.map((container) => ({
      name: container,
      containerId: '',
      running: true,
      kind: 'container',
      requests: {},
      limits: {},
      rawResources: {},
      resizable: false,
      restartOnResize: { cpu: false, memory: false },
      hasClaims: false,
    })),
  };
}

function nodeRecord({ name, labels = {} }: FakeNode): NodeRecord {
  return { name, labels, allocatable: {} };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
