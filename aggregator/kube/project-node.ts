// core/v1 Node → NodeRecord, and the amounts of a ResourceList. Total: a quantity that can't be read is left out.
import { objectOf, SHARED, WHOLE } from './json-shape.ts';
import { cpuMillis, memoryBytes } from './quantity.ts';
import type { NodeRecord, ResourceAmounts } from './records.ts';
import type { WireNode, WireQuantities } from './wire.ts';

/** Where a node's kubelet has its resource metrics, as metrics-server reads it. */
const RESOURCE_METRICS_PATH = 'metrics.k8s.io/resource-metrics-path';

/** What projectNode and the kubelet fallback read: the rest of a node, its images above all, is never parsed. */
export const NODE_SHAPE = objectOf({
  metadata: objectOf({
    name: WHOLE,
    resourceVersion: WHOLE,
    labels: WHOLE,
    annotations: objectOf({ [RESOURCE_METRICS_PATH]: WHOLE }),
  }),
  status: objectOf({ allocatable: SHARED, addresses: WHOLE, daemonEndpoints: SHARED }),
});

export function projectNode(node: WireNode): NodeRecord | undefined {
  const name = node.metadata?.name;
  if (!name) return undefined;
  return { name, labels: node.metadata?.labels ?? {}, allocatable: amountsOf(node.status?.allocatable) };
}

export function amountsOf(list: WireQuantities | undefined): ResourceAmounts {
  const cpu = list?.['cpu'] === undefined ? 'malformed' : cpuMillis(String(list['cpu']));
  const memory = list?.['memory'] === undefined ? 'malformed' : memoryBytes(String(list['memory']));
  return {
    ...(cpu === 'malformed' ? {} : { cpuMillis: cpu }),
    ...(memory === 'malformed' ? {} : { memoryBytes: memory }),
  };
}
