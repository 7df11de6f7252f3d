// core/v1 Node → NodeRecord, and the amounts of a ResourceList. Total: a quantity that can't be read is left out.
import { cpuMillis, memoryBytes } from './quantity.ts';
import type { NodeRecord, ResourceAmounts } from './records.ts';
import type { WireNode, WireQuantities } from './wire.ts';

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
