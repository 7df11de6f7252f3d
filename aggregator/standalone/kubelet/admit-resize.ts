// Whether the node has room for a resize now, ever, or not. Source: kubelet allocation manager; the texts are those third parties parse.
import type { Container, Quantities } from '../api/objects.ts';
import type { ComputeResource } from '../api/pod-resources.ts';
import { amountOf, COMPUTE_RESOURCES, podRequest } from '../api/pod-resources.ts';

export type Admission =
  { readonly kind: 'fits' } | { readonly kind: 'deferred' | 'infeasible'; readonly message: string };

type Requests = readonly Pick<Container, 'resources'>[];

/** @param others allocated resources of every other pod on the node */
export function admitResize(wanted: Requests, others: readonly Requests[], allocatable: Quantities): Admission {
  const capacity = (resource: ComputeResource): number => amountOf(allocatable, resource) ?? 0;
  const requested = (resource: ComputeResource): number => podRequest(wanted, resource);
  const never = COMPUTE_RESOURCES.find((resource) => requested(resource) > capacity(resource));
  if (never) {
    return {
      kind: 'infeasible',
      message: `Node didn't have enough capacity: ${never}, requested: ${requested(never)}, capacity: ${capacity(never)}`,
    };
  }
  for (const resource of COMPUTE_RESOURCES) {
    const used = others.reduce((sum, pod) => sum + podRequest(pod, resource), 0);
    if (requested(resource) > 0 && used + requested(resource) > capacity(resource)) {
      return {
        kind: 'deferred',
        message: `Node didn't have enough resource: ${resource}, requested: ${requested(resource)}, used: ${used}, capacity: ${capacity(resource)}`,
      };
    }
  }
  return { kind: 'fits' };
}
