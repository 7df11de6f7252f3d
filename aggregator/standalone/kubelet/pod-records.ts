// What a pod's worker reads from the API and writes to it. The standalone's API is a store in the same process;
// against a real API server the same calls go over the network, the newest status last (test/e2e).
import type { Pod, PodStatus } from '../api/objects.ts';
import type { ObjectStore } from '../api/object-store.ts';
import type { PodEvent } from './events.ts';
import { recordEvent } from './events.ts';

export interface PodRecords {
  /** The pod as the API has it; undefined: it is gone, or another has its name. */
  current(): Pod | undefined;
  /** Replaces the status where `make` returns another one. */
  writeStatus(make: (pod: Pod) => PodStatus): void;
  event(event: PodEvent): void;
}

export function storeRecords(
  store: ObjectStore,
  nodeName: string,
  { metadata }: Pod,
  wallTimeMs: () => number,
): PodRecords {
  const { namespace = '', name, uid } = metadata;
  const current = (): Pod | undefined => {
    const pod = store.get('pods', namespace, name) as Pod | undefined;
    return pod?.metadata.uid === uid ? pod : undefined;
  };
  return {
    current,
    writeStatus: (make) => {
      if (!current()) return;
      store.update('pods', namespace, name, (pod) => {
        const status = make(pod as Pod);
        return JSON.stringify(status) === JSON.stringify(pod.status) ? pod : { ...pod, status };
      });
    },
    event: (event) => {
      const pod = current();
      if (pod) recordEvent(store, pod, nodeName, wallTimeMs(), event);
    },
  };
}
