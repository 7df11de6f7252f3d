// Events on pods, a repeated one counted instead of added. Source: core/v1 Event, client-go event correlator.
import { createHash } from 'node:crypto';
import type { KubeEvent, Pod } from '../api/objects.ts';
import type { ObjectStore } from '../api/object-store.ts';
import { secondsOf } from '../api/object-store.ts';

export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly fieldPath?: string;
}

export function recordEvent(store: ObjectStore, pod: Pod, nodeName: string, wallTimeMs: number, event: PodEvent): void {
  const { namespace = '', name: podName, uid } = pod.metadata;
  const { fieldPath = '', type, reason, message } = event;
  const key = createHash('sha256').update([uid, fieldPath, type, reason, message].join('\0')).digest('hex');
  const name = `${podName}.${key.slice(0, 16)}`;
  const at = secondsOf(wallTimeMs);
  const repeated = store.update('events', namespace, name, (old) => ({
    ...old,
    lastTimestamp: at,
    count: ((old as KubeEvent).count ?? 1) + 1,
  }));
  if (repeated) return;
  const created: Omit<KubeEvent, 'metadata'> = {
    apiVersion: 'v1',
    kind: 'Event',
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
    source: { component: 'kubelet', host: nodeName },
    reportingComponent: 'kubelet',
    involvedObject: { kind: 'Pod', namespace, name: podName, uid, ...(fieldPath === '' ? {} : { fieldPath }) },
  };
  store.create('events', { ...created, metadata: { name, namespace } });
}
