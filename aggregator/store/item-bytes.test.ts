import { describe, expect, it } from 'vitest';
import {
  batch,
  container,
  containerIdentity,
  id,
  listed,
  MIB,
  pod,
  testStore,
  usageRow,
} from './store.test-support.ts';

function manyPods(count: number, more: Parameters<typeof testStore>[0] = {}) {
  const made = testStore(more);
  const containers = Array.from({ length: count }, (_, at) => id(`${at + 1}x`));
  containers.forEach((containerId, at) => {
    made.store.upsertPod(pod(`web-${at}`, [container('main', containerId)], { uid: `uid-${at}` }));
  });
  made.push(
    batch({
      identities: containers.map((containerId, at) => containerIdentity(at, containerId)),
      rows: containers.map((_, at) => usageRow(at, { workingSetBytes: at })),
    }),
  );
  return made;
}

describe('ItemBytes', () => {
  it('gives the same bytes in a list as alone, whatever the number of leaves', () => {
    const { store } = manyPods(2000);
    expect(store.podStretches().length).toBeGreaterThan(3);
    const alone = [...store.podItems()].map((item) => item.bytes()!.toString('latin1'));
    expect(alone).toHaveLength(2000);
    expect(listed(store)).toEqual(alone);
  });

  it('says when each item of a stretch was read', () => {
    const { store } = manyPods(3);
    const [stretch] = store.podStretches();
    stretch!.bytes();
    expect(stretch!.instants()).toHaveLength(3);
    store.removePod('uid-1');
    stretch!.bytes();
    expect(stretch!.instants()).toHaveLength(2);
  });

  it('makes room for items of any size', () => {
    const { store } = manyPods(3, {
      encodePod: () => ({
        maxBytes: MIB,
        write: (out, offset) => {
          out.fill(0x78, offset, offset + MIB);
          return offset + MIB;
        },
      }),
    });
    expect(listed(store).map((text) => text.length)).toEqual([MIB, MIB, MIB]);
    expect(new Set(listed(store).join(''))).toEqual(new Set('x'));
  });

  it('serves pods with more containers than any before', () => {
    const { store, push } = testStore();
    const ids = Array.from({ length: 40 }, (_, at) => id(`${at + 1}x`));
    store.upsertPod(
      pod(
        'wide',
        ids.map((containerId, at) => container(`c${at}`, containerId)),
      ),
    );
    push(
      batch({
        identities: ids.map((containerId, at) => containerIdentity(at, containerId)),
        rows: ids.map((_, at) => usageRow(at, { workingSetBytes: at })),
      }),
    );
    const usage = store.podItem('default', 'wide')!.usage()!;
    expect(usage.count).toBe(40);
    expect(usage.workingSetBytes[39]).toBe(39);
  });

  it('cuts fractions of a nanocore off and adds none by rounding', () => {
    const { store, push } = manyPods(1);
    for (const [cpuWindowUs, windowUs, cpuNanos] of [
      [15, 1_000_000_000, 15],
      [1, 3, 333_333_333],
      [2, 3, 666_666_666],
      [15_000_001, 15_000_000, 1_000_000_066],
    ] as const) {
      const sequence = 2 + cpuNanos;
      push(batch({ sequence, rows: [usageRow(0, { cpuWindowUs, windowUs })] }));
      expect(store.podItem('default', 'web-0')!.usage()!.cpuNanos[0]).toBe(cpuNanos);
    }
  });
});
