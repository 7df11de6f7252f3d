// JSON patch (RFC 6902) for pods/resize. It first tests the incarnation, the annotations that allow it, the container's place
// in the list and the values that the decision was made on; a failed test comes back as 422, like a validation error.
import type { JsonPatchOp } from '../kube/json-patch.ts';
import type { ContainerRecord, PodRecord, ResourceAmounts } from '../kube/records.ts';
import type { ResizeTarget } from './decide.ts';
import { grantOf } from './policy.ts';
import { amountOf, formatAmount } from './resource.ts';

const RESOURCES = ['cpu', 'memory'] as const;

/** @param containerIndex in `pod.containers`: containers, then init containers (where sidecars are) */
export function resizePatch(pod: PodRecord, containerIndex: number, target: ResizeTarget): readonly JsonPatchOp[] {
  const container = pod.containers[containerIndex];
  if (container?.name !== target.container) throw new Error(`container ${containerIndex} is not ${target.container}`);
  const base = containerPath(pod, containerIndex);
  const tests: JsonPatchOp[] = [
    { op: 'test', path: '/metadata/uid', value: pod.uid },
    ...grants(pod, target).map(([key, value]) => ({ op: 'test' as const, path: annotationPath(key), value })),
    { op: 'test', path: `${base}/name`, value: container.name },
  ];
  const writes: JsonPatchOp[] = [];
  for (const kind of ['requests', 'limits'] as const) {
    const changed = RESOURCES.filter((resource) => amountOf(target[kind], resource) !== undefined);
    // RFC 6902 adds a member to an object that is there, never the object around it.
    if (changed.length > 0 && !container.rawResources[kind]) {
      writes.push({ op: 'add', path: `${base}/resources/${kind}`, value: {} });
    }
    for (const resource of changed) {
      const amount = amountOf(target[kind], resource) ?? 0;
      const path = `${base}/resources/${kind}/${resource}`;
      const old = container.rawResources[kind]?.[resource];
      if (old !== undefined) tests.push({ op: 'test', path, value: old });
      writes.push({ op: old === undefined ? 'add' : 'replace', path, value: formatAmount(resource, amount) });
    }
  }
  return [...tests, ...writes];
}

/** Whether the values that a patch for `target` tests are the same in both: then a 422 was no failed test. */
export function isSameGround(before: PodRecord, after: PodRecord, target: ResizeTarget): boolean {
  const [old, now] = [before, after].map(({ containers }) => containers.findIndex((c) => c.name === target.container));
  if (before.uid !== after.uid || old === undefined || now === undefined || old !== now) return false;
  if (grants(before, target).some(([key, value]) => after.annotations[key] !== value)) return false;
  return testedValues(before.containers[old], target) === testedValues(after.containers[now], target);
}

function testedValues(container: ContainerRecord | undefined, target: ResizeTarget): string {
  const read = (kind: 'requests' | 'limits', amounts: ResourceAmounts): unknown[] =>
    RESOURCES.filter((resource) => amountOf(amounts, resource) !== undefined).map(
      (resource) => container?.rawResources[kind]?.[resource],
    );
  return JSON.stringify([read('requests', target.requests), read('limits', target.limits)]);
}

function grants(pod: PodRecord, { container, limits }: ResizeTarget): readonly (readonly [string, string])[] {
  return RESOURCES.filter((resource) => amountOf(limits, resource) !== undefined).flatMap((resource) =>
    grantOf(pod, container, resource),
  );
}

function annotationPath(key: string): string {
  return `/metadata/annotations/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function containerPath({ containers }: PodRecord, index: number): string {
  const ordinary = containers.filter(({ kind }) => kind === 'container').length;
  return index < ordinary ? `/spec/containers/${index}` : `/spec/initContainers/${index - ordinary}`;
}
