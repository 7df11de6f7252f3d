// What the standalone does not let a client do to pods: there is no scheduler and no image here, and what runs is not ours to end.
import type { NewObject } from './api/objects.ts';
import { OBSERVED_ONLY } from './api/objects.ts';
import { SYSTEM_NAMESPACE } from './roles.ts';

export function refuseForeignPods(verb: 'create' | 'delete', object: NewObject): string | undefined {
  if (object.kind !== 'Pod') return undefined;
  if (verb === 'create')
    return 'this cluster of one runs no images, it shows what runs on this machine (--demo adds workloads)';
  if (object.metadata.annotations?.[OBSERVED_ONLY] === 'true')
    return 'the pod is only observed, what it shows belongs to someone else';
  if (object.metadata.namespace === SYSTEM_NAMESPACE)
    return 'the pod is a part of headroom itself, stop the launcher instead';
  return undefined;
}
