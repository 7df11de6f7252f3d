import { describe, expect, it } from 'vitest';
import {
  batch,
  container,
  containerIdentity,
  id,
  listed,
  MIB,
  NODE_IDENTITY,
  pod,
  testStore,
  usageRow,
  WALL_MS,
} from './store.test-support.ts';

const MAIN = id('a1');
const WEB = pod('web', [container('main', MAIN)]);
const identities = [NODE_IDENTITY, containerIdentity(1, MAIN)];

describe('rows of pods of other nodes', () => {
  it('are left out, and the batch says of which pods', () => {
    const { store } = testStore();
    store.upsertPod(WEB);
    const rows = [usageRow(0), usageRow(1, { memoryLimitBytes: MIB })];
    const accepted = store.accept(batch({ node: 'n2', identities, rows }), 0, WALL_MS);
    expect(accepted).toMatchObject({ kind: 'accepted', foreignPods: ['uid-web'], limitsChanged: [], names: [] });
    expect([listed(store), store.observation(MAIN)]).toEqual([[], undefined]);
    expect(store.counts().containerPoints).toBe(0);
  });

  it('change nothing of what the right node reports', () => {
    const { store } = testStore();
    store.upsertPod(WEB);
    const rows = [usageRow(1)];
    expect(store.accept(batch({ identities, rows }), 0, WALL_MS)).toMatchObject({ foreignPods: [] });
    const right = [listed(store), store.observation(MAIN)];
    store.accept(batch({ node: 'n2', identities, rows: [usageRow(1, { workingSetBytes: 1 })] }), 0, WALL_MS);
    expect([listed(store), store.observation(MAIN)]).toEqual(right);
  });

  it('are told by the pod’s uid too, while the API does not know the container yet', () => {
    const { store } = testStore();
    store.upsertPod(pod('web', []));
    expect(store.accept(batch({ node: 'n2', identities, rows: [usageRow(1)] }), 0, WALL_MS)).toMatchObject({
      foreignPods: ['uid-web'],
    });
  });

  it('are none of pods that the API does not know yet: they are there when it does', () => {
    const { store } = testStore();
    expect(store.accept(batch({ identities, rows: [usageRow(1)] }), 0, WALL_MS)).toMatchObject({ foreignPods: [] });
    store.upsertPod(WEB);
    expect(listed(store)).toHaveLength(1);
  });
});

describe('identities of a node that lies', () => {
  it('are kept short: what is longer than any id is nobody’s', () => {
    const { store } = testStore();
    store.upsertPod(WEB);
    const long = 'x'.repeat(4096);
    const lies = [containerIdentity(1, long), { ...containerIdentity(2, MAIN), podUid: long }];
    const accepted = store.accept(batch({ identities: lies, rows: [usageRow(1), usageRow(2)] }), 0, WALL_MS);
    expect(accepted.kind).toBe('accepted');
    expect(listed(store)).toHaveLength(1);
    expect([store.counts().slots, store.containerOf('n1', batch().bootId, batch().epoch, 1)]).toEqual([1, undefined]);
  });
});
