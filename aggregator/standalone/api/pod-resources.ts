// Requests and limits of pods in numbers, and the QoS class they give. Source: component-helpers resource, core qos.
import { cpuMillis, memoryBytes } from '../../kube/quantity.ts';
import type { Container, Pod, PodSpec, Quantities } from './objects.ts';

export type ComputeResource = 'cpu' | 'memory';
export const COMPUTE_RESOURCES: readonly ComputeResource[] = ['cpu', 'memory'];

/** Millicores or bytes; undefined where it is not set (or is no quantity: validation has refused those). */
export function amountOf(quantities: Quantities | undefined, resource: ComputeResource): number | undefined {
  const text = quantities?.[resource];
  if (text === undefined) return undefined;
  const amount = resource === 'cpu' ? cpuMillis(text) : memoryBytes(text);
  return amount === 'malformed' ? undefined : amount;
}

/** What the pod asks of a node: the sum of its containers' requests. */
export function podRequest(containers: readonly Pick<Container, 'resources'>[], resource: ComputeResource): number {
  return containers.reduce((sum, { resources }) => sum + (amountOf(resources?.requests, resource) ?? 0), 0);
}

/** The sum of the limits, undefined where a container has none. */
export function podLimit(
  containers: readonly Pick<Container, 'resources'>[],
  resource: ComputeResource,
): number | undefined {
  let sum = 0;
  for (const { resources } of containers) {
    const limit = amountOf(resources?.limits, resource);
    if (limit === undefined) return undefined;
    sum += limit;
  }
  return sum;
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

export function qosClassOf(spec: PodSpec): QosClass {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const amounts = containers.flatMap(({ resources }) =>
    COMPUTE_RESOURCES.map((resource) => ({
      request: amountOf(resources?.requests, resource),
      limit: amountOf(resources?.limits, resource),
    })),
  );
  if (amounts.every(({ request, limit }) => !request && !limit)) return 'BestEffort';
  const guaranteed = amounts.every(({ request, limit }) => limit && (request ?? limit) === limit);
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Whether two lists of quantities say the same, "1" and "1000m" being equal. */
export function sameAmounts(a: Quantities | undefined, b: Quantities | undefined): boolean {
  return COMPUTE_RESOURCES.every((resource) => amountOf(a, resource) === amountOf(b, resource));
}

export function isPod(object: { readonly kind: string }): object is Pod {
  return object.kind === 'Pod';
}
