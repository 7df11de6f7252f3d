// What the metrics API says, read through the API server as administrator unless a test says otherwise.
import { cpuMillis, memoryBytes } from '../../aggregator/kube/quantity.ts';
import type { Commanded } from './cluster.ts';
import type { Kube } from './kube.ts';
import { until } from './until.ts';

export interface ContainerUsage {
  readonly name: string;
  readonly usage: { readonly cpu: string; readonly memory: string };
}

export interface PodMetrics {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly timestamp: string;
  readonly window: string;
  readonly containers: readonly ContainerUsage[];
}

export interface NodeMetrics {
  readonly metadata: { readonly name: string };
  readonly timestamp: string;
  readonly window: string;
  readonly usage: { readonly cpu: string; readonly memory: string };
}

export const GROUP = '/apis/metrics.k8s.io';

export async function podMetrics(kube: Kube, namespace: string, selector = ''): Promise<readonly PodMetrics[]> {
  const query = selector === '' ? '' : `?labelSelector=${encodeURIComponent(selector)}`;
  const list = await kube.json<{ items: PodMetrics[] }>('GET', `${GROUP}/v1beta1/namespaces/${namespace}/pods${query}`);
  return list.items;
}

/** One answer comes from one of the replicas: so many alike in a row come from all of them. */
const IN_A_ROW = 12;

/** Waits until so many pods of the namespace are counted, by every replica. */
export async function counted({ kube }: Pick<Commanded, 'kube'>, namespace: string, pods: number): Promise<void> {
  let row = 0;
  const probe = async (): Promise<true | undefined> => {
    row = (await podMetrics(kube, namespace)).length === pods ? row + 1 : 0;
    return row >= IN_A_ROW || undefined;
  };
  await until(`metrics of ${pods} pods of ${namespace}`, probe, 30_000);
}

export async function nodeMetrics(kube: Kube): Promise<readonly NodeMetrics[]> {
  return (await kube.json<{ items: NodeMetrics[] }>('GET', `${GROUP}/v1beta1/nodes`)).items;
}

export function millis(quantity: string): number {
  const amount = cpuMillis(quantity);
  if (amount === 'malformed') throw new Error(`${quantity} is no quantity`);
  return amount;
}

export function bytes(quantity: string): number {
  const amount = memoryBytes(quantity);
  if (amount === 'malformed') throw new Error(`${quantity} is no quantity`);
  return amount;
}

/** The only container of the only pod. */
export async function onlyContainer(
  { kube }: Pick<Commanded, 'kube'>,
  namespace: string,
  selector: string,
): Promise<ContainerUsage> {
  const items = await podMetrics(kube, namespace, selector);
  const containers = items.flatMap((item) => item.containers);
  if (items.length !== 1 || containers.length !== 1) {
    throw new Error(`${items.length} pods with ${containers.length} containers of ${selector}`);
  }
  return containers[0]!;
}
