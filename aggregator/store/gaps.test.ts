import { describe, expect, it } from 'vitest';
import type { TestStore } from './store.test-support.ts';
import {
  batch,
  container,
  containerIdentity,
  id,
  node,
  NODE_IDENTITY,
  pod,
  STALENESS_MS,
  testStore,
  usageRow,
} from './store.test-support.ts';

const MAIN = id('a1');
const SIDE = id('b2');
const identities = [NODE_IDENTITY, containerIdentity(1, MAIN), containerIdentity(2, SIDE)];
const main = container('main', MAIN);

function podGaps({ store }: TestStore, namespace?: string) {
  return [...store.podGaps(namespace)].flat().map(({ record, first }) => [record.name, first]);
}

describe('PointStore: what is not served', () => {
  it('has no gap where all is served', () => {
    const made = testStore();
    made.store.upsertNode(node('n1'));
    made.store.upsertPod(pod('web', [main]));
    made.push(batch({ identities, rows: [usageRow(0), usageRow(1)] }));
    expect([[...made.store.nodeGaps()].flat(), podGaps(made)]).toEqual([[], []]);
  });

  it('tells a container that nobody reports from one that is too young and from one that is stale', () => {
    const made = testStore();
    made.store.upsertNode(node('n1'));
    made.store.upsertPod(pod('web', [main, container('side', SIDE)]));
    expect(podGaps(made)).toEqual([['web', { container: 'main', gap: { kind: 'no_row' } }]]);
    made.push(batch({ identities, rows: [{ ref: 1, memoryCurrentBytes: 1 }, usageRow(0), usageRow(2)] }));
    expect(podGaps(made)).toEqual([['web', { container: 'main', gap: { kind: 'no_rate' } }]]);
    made.push(batch({ sequence: 2, rows: [usageRow(1)] }));
    expect(podGaps(made)).toEqual([]);
    made.advance(STALENESS_MS + 5);
    const gap = { kind: 'stale', ageMs: STALENESS_MS + 5 };
    expect(podGaps(made)).toEqual([['web', { container: 'main', gap }]]);
    expect([...made.store.nodeGaps()].flat()).toEqual([{ record: node('n1'), gap }]);
  });

  it('tells when there was no room, or no container yet', () => {
    const made = testStore({ maxSlots: 1 });
    made.store.upsertPod(pod('one', [main]));
    made.store.upsertPod(pod('two', [container('side', SIDE)]));
    made.store.upsertPod(pod('waits', [container('main', '', { running: false })]));
    made.store.upsertPod(pod('pending', [main], { phase: 'Pending' }));
    expect(podGaps(made)).toEqual([
      ['one', { container: 'main', gap: { kind: 'no_row' } }],
      ['pending', undefined],
      ['two', { container: 'side', gap: { kind: 'no_slot' } }],
      ['waits', undefined],
    ]);
  });

  it('passes over pods that have ended or are ending', () => {
    const made = testStore();
    const ended = container('main', MAIN, { running: false });
    made.store.upsertPod(pod('done', [ended], { phase: 'Succeeded' }));
    made.store.upsertPod(pod('broke', [ended], { phase: 'Failed' }));
    made.store.upsertPod(pod('leaves', [ended], { terminating: true }));
    expect(podGaps(made)).toEqual([]);
  });

  it('looks at one namespace alone, and gives its pods of any phase', () => {
    const made = testStore();
    made.store.upsertPod(pod('web', [main]));
    made.store.upsertPod(pod('job', [main], { namespace: 'other', phase: 'Succeeded' }));
    expect(podGaps(made, 'other')).toEqual([]);
    expect([...made.store.podRecords('other')].map(({ name }) => name)).toEqual(['job']);
  });

  it('tells when an agent was heard and how far off its clock was', () => {
    const made = testStore();
    expect(made.store.agentOf('n1')).toEqual({ heardMonoMs: NaN, skewMs: NaN });
    made.advance(7);
    made.push(batch({ identities, wallTimeMs: 0 }));
    expect(made.store.agentOf('n1')).toMatchObject({ heardMonoMs: 7 });
    expect(made.store.agentOf('n1').skewMs).toBeLessThan(-1e12);
  });
});
