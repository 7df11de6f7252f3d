// What a write to pods or pods/resize may change, and what it does to metadata.generation.
// Source: kubernetes registry/core/pod strategies.
import type { KubeObject, Node, Pod } from './objects.ts';
import type { ObjectStore } from './object-store.ts';
import { sameValue } from './patch.ts';
import { keepResizeFields, nodeCapacityRefusal, resizeErrors } from './resize-validation.ts';
import type { ResourceType } from './resources.ts';
import { forbidden, invalid } from './status.ts';

const IMMUTABLE_SPEC =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** @throws Refusal 403 or 422 */
export function podResize(type: ResourceType, store: ObjectStore, old: Pod, given: Pod): Pod {
  const next = keepResizeFields(old, given);
  const errors = resizeErrors(old, next);
  if (errors.length > 0) throw invalid(type, old.metadata.name, errors);
  if (sameValue(old.spec, next.spec)) return old;
  const node =
    old.spec.nodeName === undefined ? undefined : (store.get('nodes', '', old.spec.nodeName) as Node | undefined);
  const refusal = nodeCapacityRefusal(next, node);
  if (refusal) throw forbidden(type, old.metadata.name, refusal.why, [refusal.cause]);
  return withNextGeneration(next);
}

/** Through the pod itself: labels and annotations. Resources are immutable there; images mean nothing here and stay too. */
export function podUpdate(type: ResourceType, old: Pod, given: Pod): Pod {
  if (!sameValue(old.spec, given.spec)) {
    throw invalid(type, old.metadata.name, [{ field: 'spec', kind: 'Forbidden', detail: IMMUTABLE_SPEC }]);
  }
  return { ...old, metadata: keepMetadata(old, given) };
}

/** Labels and annotations as given, everything else as stored. */
export function keepMetadata(old: KubeObject, given: KubeObject): KubeObject['metadata'] {
  const { labels: _labels, annotations: _annotations, ...kept } = old.metadata;
  const { labels, annotations } = given.metadata;
  return { ...kept, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
}

function withNextGeneration(pod: Pod): Pod {
  return { ...pod, metadata: { ...pod.metadata, generation: (pod.metadata.generation ?? 1) + 1 } };
}
