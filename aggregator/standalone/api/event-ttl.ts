// Events go an hour after they were last seen. Source: kube-apiserver's --event-ttl.
import type { KubeEvent } from './objects.ts';
import type { ObjectStore } from './object-store.ts';

const EVENT_TTL_MS = 3600 * 1000;

export function dropOldEvents(store: ObjectStore, wallTimeMs: number): void {
  for (const object of store.list('events')) {
    const event = object as KubeEvent;
    const seen = event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
    if (Date.parse(seen) < wallTimeMs - EVENT_TTL_MS) {
      store.remove('events', event.metadata.namespace ?? '', event.metadata.name);
    }
  }
}
