import { describe, expect, it } from 'vitest';
import type { Change } from './object-store.ts';
import { ObjectStore } from './object-store.ts';

function storeWith(...names: readonly string[]): ObjectStore {
  const store = new ObjectStore({ wallTimeMs: () => 0, caps: { events: 2 } });
  for (const name of names) store.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'n' } });
  return store;
}

describe('ObjectStore', () => {
  it('gives each write a higher version and never changes an object that was given out', () => {
    const store = storeWith('a');
    const before = store.get('pods', 'n', 'a')!;
    const after = store.update('pods', 'n', 'a', (pod) => ({ ...pod, status: { phase: 'Running' } }))!;
    expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(Number(before.metadata.resourceVersion));
    expect(before.status).toBeUndefined();
    expect(after.metadata.uid).toBe(before.metadata.uid);
  });

  it('replays what was changed since a version, then follows', () => {
    const store = storeWith('a');
    const since = store.version;
    store.update('pods', 'n', 'a', (pod) => ({ ...pod, status: 1 }));
    const seen: Change['kind'][] = [];
    const subscription = store.subscribe('pods', since, (change) => seen.push(change.kind));
    store.remove('pods', 'n', 'a');
    if (subscription.kind === 'open') subscription.close();
    store.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b' } });
    expect(seen).toEqual(['modified', 'deleted']);
  });

  it('says gone for a version that its history does not reach, and for one from the future', () => {
    const store = storeWith('a');
    for (let change = 0; change < 1100; change++) store.update('pods', 'n', 'a', (pod) => ({ ...pod, status: change }));
    expect(store.subscribe('pods', 1, () => undefined).kind).toBe('gone');
    expect(store.subscribe('pods', store.version + 1, () => undefined).kind).toBe('gone');
    expect(store.subscribe('pods', store.version, () => undefined).kind).toBe('open');
  });

  it('keeps no more events than its cap, the latest ones', () => {
    const store = storeWith();
    for (const name of ['a', 'b', 'c'])
      store.create('events', { apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'n' } });
    expect(store.list('events').map(({ metadata }) => metadata.name)).toEqual(['b', 'c']);
  });

  it('lists in the order of namespace and name', () => {
    const store = storeWith('b', 'a');
    store.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'z', namespace: 'm' } });
    expect(store.list('pods').map(({ metadata }) => metadata.name)).toEqual(['z', 'a', 'b']);
    expect(store.list('pods', 'n')).toHaveLength(2);
  });
});
