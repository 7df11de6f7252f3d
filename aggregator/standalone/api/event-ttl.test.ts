import { describe, expect, it } from 'vitest';
import { dropOldEvents } from './event-ttl.ts';
import type { KubeEvent } from './objects.ts';
import { ObjectStore } from './object-store.ts';

const HOUR_MS = 3600 * 1000;

describe('dropOldEvents', () => {
  it('counts the hour from when an event was last seen, not from its first time', () => {
    const store = new ObjectStore({ wallTimeMs: () => 0 });
    const event = (name: string, lastTimestamp: string | null): void => {
      const created: Omit<KubeEvent, 'metadata'> = {
        apiVersion: 'v1',
        kind: 'Event',
        involvedObject: {},
        lastTimestamp,
      };
      store.create('events', { ...created, metadata: { name, namespace: 'n' } });
    };
    event('once', null);
    event('again', '1970-01-01T00:30:00Z');
    dropOldEvents(store, HOUR_MS + 1);
    expect(store.list('events').map(({ metadata }) => metadata.name)).toEqual(['again']);
  });
});
