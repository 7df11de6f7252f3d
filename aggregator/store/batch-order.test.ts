import { array, assert, property, shuffledSubarray, subarray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Identity } from '../../agent/protocol/identity.ts';
import { MAX_REFS } from './node-epoch.ts';
import {
  batch,
  BOOT_ID,
  container,
  containerIdentity,
  id,
  NODE_IDENTITY,
  pod,
  STALENESS_MS,
  testStore,
  usageRow,
} from './store.test-support.ts';

const MAIN = id('a1');
const SIDE = id('b2');
const BOOT_2 = '9d6b7c1e-0000-4000-8000-000000000002';
const identities = [NODE_IDENTITY, containerIdentity(1, MAIN), containerIdentity(2, SIDE)];
const web = pod('web', [container('main', MAIN), container('side', SIDE)]);

/** A batch whose rows say which number it has, in nanocores. */
function numbered(sequence: number, refs: readonly number[], more: Parameters<typeof batch>[0] = {}) {
  const rows = refs.map((ref) => usageRow(ref, { windowUs: 1_000_000_000, cpuWindowUs: sequence }));
  return batch({ sequence, bootTimeMs: 100_000 + sequence, rows, ...more });
}

function started() {
  const made = testStore();
  made.store.upsertPod(web);
  made.push(numbered(1, [0, 1, 2], { identities }));
  return made;
}

/** The numbers of the batches that the pod's containers were last written by. */
function writtenBy({ store }: ReturnType<typeof testStore>): number[] {
  const usage = store.podItem('default', 'web')!.usage()!;
  return [...usage.cpuNanos.subarray(0, usage.count)];
}

/** Half of what an epoch may hold. */
function many(from: number): Identity[] {
  return Array.from({ length: MAX_REFS / 2 }, (_, at) => containerIdentity(from + at, id(`${from + at}x`)));
}

describe('PointStore: order of batches', () => {
  it('lets an urgent batch overtake a regular one without losing the rest of the regular one', () => {
    const made = started();
    expect(made.push(numbered(3, [1])).kind).toBe('accepted');
    expect(made.push(numbered(2, [0, 1, 2])).kind).toBe('accepted');
    expect(writtenBy(made)).toEqual([3, 2]);
  });

  it('never lets an older batch overwrite a newer point, in whatever order they come', () => {
    const sequences = shuffledSubarray(
      Array.from({ length: 20 }, (_, at) => at + 2),
      { minLength: 1 },
    );
    const rowSets = array(subarray([1, 2], { minLength: 1 }), { minLength: 25, maxLength: 25 });
    assert(
      property(sequences, rowSets, (order, rows) => {
        const made = started();
        for (const sequence of order) made.push(numbered(sequence, rows[sequence]!));
        const newest = (ref: number): number => Math.max(1, ...order.filter((one) => rows[one]!.includes(ref)));
        expect(writtenBy(made)).toEqual([newest(1), newest(2)]);
      }),
    );
  });

  it('answers a retry as the first time and takes what was cut anew in it', () => {
    const made = started();
    const names = [
      { ref: 1, namespace: 'default', pod: 'web', container: 'main' },
      { ref: 2, namespace: 'default', pod: 'web', container: 'side' },
    ];
    expect(made.push(numbered(1, [0, 1, 2], { identities }))).toMatchObject({ kind: 'accepted', names });
    const again = batch({ sequence: 1, bootTimeMs: 200_000, rows: [usageRow(1, { cpuWindowUs: 0 })] });
    expect(made.push(again).kind).toBe('accepted');
    expect(writtenBy(made)).toEqual([0, 1]);
  });

  it('refuses a batch that was overtaken long ago, of an earlier epoch, or of an earlier boot', () => {
    const made = started();
    made.push(numbered(1000, [1]));
    expect(made.push(numbered(2, [1, 2]))).toEqual({ kind: 'stale' });
    made.push(numbered(1, [1, 2], { epoch: 5, identities, bootTimeMs: 200_000 }));
    expect(made.push(numbered(1001, [1, 2]))).toEqual({ kind: 'stale' });
    made.push(numbered(7, [1, 2], { bootId: BOOT_2, epoch: 1, identities, bootTimeMs: 1000 }));
    expect(made.push(numbered(9, [1, 2], { epoch: 9, identities }))).toEqual({ kind: 'stale' });
    expect(writtenBy(made)).toEqual([7, 7]);
  });

  it('goes on after a new boot, whose clock and numbers begin anew', () => {
    const made = started();
    made.push(numbered(500, [1, 2]));
    expect(made.push(numbered(1, [1, 2], { bootId: BOOT_2, epoch: 1, identities, bootTimeMs: 10 })).kind).toBe(
      'accepted',
    );
    expect(writtenBy(made)).toEqual([1, 1]);
  });

  it('asks for every identity when rows speak of refs that nobody introduced, and stores nothing of it', () => {
    const made = started();
    expect(made.push(numbered(2, [1, 7]))).toEqual({ kind: 'unknown_epoch' });
    expect(writtenBy(made)).toEqual([1, 1]);
    expect(made.push(numbered(2, [1, 2], { epoch: 2 }))).toEqual({ kind: 'unknown_epoch' });
    expect(made.push(numbered(2, [1, 2])).kind).toBe('accepted');
    const shortage = {
      ref: 7,
      resource: 'memory',
      kind: 'limit-reached',
      raisedBootMs: 1,
      secondsToHarm: 0,
      need: 1,
      limit: 1,
      rate: 0,
    } as const;
    expect(made.push(numbered(3, [], { shortages: [shortage] }))).toEqual({ kind: 'unknown_epoch' });
  });

  it('asks again after it has forgotten a silent node, keeps what is bound to pods, and knows old batches as old', () => {
    const made = started();
    made.advance(STALENESS_MS * 2);
    made.push(batch({ node: 'n2' }));
    expect(made.push(numbered(2, [1, 2]))).toEqual({ kind: 'unknown_epoch' });
    expect(made.push(numbered(2, [1, 2], { epoch: 0, identities }))).toEqual({ kind: 'stale' });
    expect(made.push(numbered(2, [1, 2], { identities })).kind).toBe('accepted');
    expect(writtenBy(made)).toEqual([2, 2]);
  });

  it('does not bring back a ref that ended, when the batch before comes late', () => {
    const made = started();
    made.push(numbered(3, [1], { gone: [2] }));
    expect(made.push(numbered(2, [1, 2], { identities: [containerIdentity(2, SIDE)] })).kind).toBe('accepted');
    expect(made.store.containerOf('n1', BOOT_ID, 1, 2)).toBeUndefined();
    expect(made.store.containerOf('n1', BOOT_ID, 1, 1)).toEqual({ containerId: MAIN, podUid: 'uid-web' });
  });

  it('bounds the refs of an epoch by asking for them anew', () => {
    const made = started();
    expect(made.push(numbered(2, [], { identities: many(10) })).kind).toBe('accepted');
    expect(made.push(numbered(3, [], { identities: many(10 + MAX_REFS) }))).toEqual({ kind: 'unknown_epoch' });
    expect(made.store.counts().slots).toBe(2);
  });
});

describe('PointStore: names for the agent', () => {
  it('tells each name once an epoch, as soon as the API has told it', () => {
    const { store, push } = testStore();
    const podIdentity: Identity = { ...containerIdentity(3, ''), kind: 'pod' };
    expect(push(batch({ identities: [...identities, podIdentity] }))).toMatchObject({ names: [] });
    store.upsertPod(web);
    expect(push(batch({ sequence: 2 }))).toMatchObject({
      names: [
        { ref: 1, namespace: 'default', pod: 'web', container: 'main' },
        { ref: 2, namespace: 'default', pod: 'web', container: 'side' },
        { ref: 3, namespace: 'default', pod: 'web', container: '' },
      ],
    });
    expect(push(batch({ sequence: 3 }))).toMatchObject({ names: [] });
    expect(push(batch({ epoch: 2, identities: [containerIdentity(8, MAIN)] }))).toMatchObject({ names: [{ ref: 8 }] });
  });

  it("finds a static pod by its config hash, as the agent sees it in the cgroup's path", () => {
    const { store, push } = testStore();
    store.upsertPod({ ...web, configHash: 'hash' });
    const answer = push(batch({ identities: [{ ...containerIdentity(3, '', 'hash'), kind: 'pod' }] }));
    expect(answer).toMatchObject({ names: [{ ref: 3, pod: 'web', container: '' }] });
  });
});
