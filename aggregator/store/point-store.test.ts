import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../kube/records.ts';
import {
  batch,
  container,
  containerIdentity,
  id,
  listed,
  listedNodes,
  MIB,
  node,
  NODE_IDENTITY,
  pod,
  STALENESS_MS,
  testStore,
  usageRow,
  WALL_MS,
} from './store.test-support.ts';
import type { ItemEncoding, ItemTail } from './views.ts';

const MAIN = id('a1');
const SIDE = id('b2');
const CORE_SECOND_US = 1_000_000;
const identities = [NODE_IDENTITY, containerIdentity(1, MAIN), containerIdentity(2, SIDE)];
const web = pod('web', [container('main', MAIN), container('side', SIDE)]);

function filled() {
  const made = testStore();
  made.store.upsertNode(node('n1'));
  made.store.upsertPod(web);
  made.push(batch({ identities, rows: [usageRow(0), usageRow(1), usageRow(2, { workingSetBytes: 5 * MIB })] }));
  return made;
}

describe('PointStore: what is served', () => {
  it('serves a pod and its node from one push', () => {
    const { store } = filled();
    expect(listed(store)).toEqual([`default/web 1000000000n ${100 * MIB} 1000000000n ${5 * MIB}`]);
    expect(listedNodes(store)).toEqual([`n1 1000000000n ${100 * MIB}`]);
  });

  it('counts CPU over the window that the row names', () => {
    const { store, push } = filled();
    push(
      batch({ sequence: 2, rows: [usageRow(1, { windowUs: 3 * CORE_SECOND_US, cpuWindowUs: CORE_SECOND_US / 2 })] }),
    );
    expect(listed(store)[0]).toContain(' 166666666n ');
  });

  it('serves zero as the value it is', () => {
    const { store, push } = filled();
    push(batch({ sequence: 2, rows: [usageRow(1, { cpuWindowUs: 0, workingSetBytes: 0 })] }));
    expect(listed(store)).toEqual([`default/web 0n 0 1000000000n ${5 * MIB}`]);
  });

  it('leaves a pod out until every running container has a value', () => {
    const { store, push } = testStore();
    store.upsertPod(web);
    push(batch({ identities, rows: [usageRow(1)] }));
    expect(listed(store)).toEqual([]);
    expect(store.podItem('default', 'web')!.bytes('json')).toBeUndefined();
    push(batch({ sequence: 2, rows: [usageRow(2)] }));
    expect(listed(store)).toHaveLength(1);
  });

  it('leaves out containers that do not run: a finished init container, a crashed one', () => {
    const { store, push } = testStore();
    const initId = id('c3');
    store.upsertPod(
      pod('web', [
        container('main', MAIN),
        container('init', initId, { kind: 'init', running: false }),
        container('waiting', '', { running: false }),
      ]),
    );
    push(batch({ identities, rows: [usageRow(1)] }));
    expect(listed(store)).toEqual([`default/web 1000000000n ${100 * MIB}`]);
  });

  it('serves the sidecar that is a restartable init container', () => {
    const { store, push } = testStore();
    store.upsertPod(pod('web', [container('main', MAIN), container('side', SIDE, { kind: 'sidecar' })]));
    push(batch({ identities, rows: [usageRow(1), usageRow(2)] }));
    expect(store.podItem('default', 'web')!.usage()!.count).toBe(2);
  });

  it.each(['Pending', 'Succeeded', 'Failed', 'Unknown'])('does not know pods whose phase is %s', (phase) => {
    const { store } = filled();
    store.upsertPod({ ...web, phase });
    expect(listed(store)).toEqual([]);
    expect(store.podItem('default', 'web')).toBeUndefined();
    expect([...store.podItems()]).toEqual([]);
  });

  it('serves no pod without a running container', () => {
    const { store } = filled();
    store.upsertPod({ ...web, containers: web.containers.map((one) => ({ ...one, running: false })) });
    expect(listed(store)).toEqual([]);
    expect(store.podItem('default', 'web')!.usage()).toBeUndefined();
  });

  it('takes time and window from the container that was read first', () => {
    const { store, push } = filled();
    push(
      batch({
        sequence: 2,
        bootTimeMs: 110_000,
        rows: [
          usageRow(1, { atBootMs: 109_000, windowUs: 7_000_000 }),
          usageRow(2, { atBootMs: 108_500, windowUs: 9_000_000 }),
        ],
      }),
    );
    const usage = store.podItem('default', 'web')!.usage()!;
    expect(usage.windowUs).toBe(9_000_000);
    expect(usage.atWallMs).toBe(WALL_MS - 1500);
  });

  it('sorts pods by namespace, then name, and nodes by name', () => {
    const { store, push } = testStore();
    const places = [
      ['zoo', 'a'],
      ['alpha', 'b'],
      ['alpha', 'a'],
      ['alpha-2', 'z'],
    ] as const;
    places.forEach(([namespace, name], at) => {
      const uid = `${namespace}-${name}`;
      store.upsertPod(pod(name, [container('main', id(`${at + 1}`))], { namespace, uid }));
      store.upsertNode(node(`node-${name}-${namespace}`));
    });
    push(
      batch({
        identities: places.map((_, at) => containerIdentity(at, id(`${at + 1}`))),
        rows: places.map((_, at) => usageRow(at)),
      }),
    );
    expect(listed(store).map((text) => text.split(' ')[0])).toEqual(['alpha/a', 'alpha/b', 'alpha-2/z', 'zoo/a']);
    expect(listed(store, 'alpha')).toHaveLength(2);
    expect(listed(store, 'nowhere')).toEqual([]);
    const names = [...store.nodeItems()].map((item) => item.record.name);
    expect(names).toEqual([...names].sort());
  });

  it('makes the bytes of a list once a change, not once a list', () => {
    let encoded = 0;
    const tail: ItemTail = {
      maxBytes: 8,
      complete: (out, _start, end) => (encoded++, out.fill(120, end, end + 3), end + 3),
    };
    const counting: ItemEncoding<PodRecord> = {
      separator: Buffer.from(','),
      template: () => ({ head: Buffer.alloc(0), createdAt: 0, tail }),
    };
    const { store, push } = testStore({
      encodePod: { json: counting, protobuf: counting },
    });
    store.upsertPod(web);
    push(batch({ identities, rows: [usageRow(1), usageRow(2)] }));
    expect([listed(store), listed(store), encoded]).toEqual([['xxx'], ['xxx'], 1]);
    push(batch({ sequence: 2, bootTimeMs: 101_000, rows: [usageRow(2)] }));
    expect([listed(store), encoded]).toEqual([['xxx'], 2]);
  });

  it('keeps a list that is under way free of pods that go and slots that are taken anew', () => {
    const { store, push } = filled();
    const stretches = store.podStretches();
    store.removePod('uid-web');
    push(batch({ sequence: 2, gone: [1, 2] }));
    push(batch({ sequence: 3, identities: [containerIdentity(9, id('f9'))], rows: [usageRow(9)] }));
    expect(stretches.map((stretch) => stretch.encoded('json').bytes.toString())).toEqual(['']);
  });
});

describe('PointStore: staleness', () => {
  it('serves the last values of a silent node until they are stale, then no more', () => {
    const { store, advance } = filled();
    advance(STALENESS_MS);
    expect(listed(store)).toHaveLength(1);
    expect(listedNodes(store)).toHaveLength(1);
    advance(1);
    expect(listed(store)).toEqual([]);
    expect(listedNodes(store)).toEqual([]);
    expect(store.podItem('default', 'web')!.usage()).toBeUndefined();
  });

  it('drops a pod when one of its containers is stale, though the node goes on', () => {
    const { store, advance, push } = filled();
    advance(STALENESS_MS);
    push(batch({ sequence: 2, bootTimeMs: 160_000, rows: [usageRow(0), usageRow(1)] }));
    advance(1);
    expect(listedNodes(store)).toHaveLength(1);
    expect(listed(store)).toEqual([]);
  });

  it('counts the age that a reading has at receipt', () => {
    const { store, advance, push } = filled();
    push(batch({ sequence: 2, bootTimeMs: 150_000, rows: [usageRow(1, { atBootMs: 110_000 })] }));
    expect(listed(store)).toHaveLength(1);
    advance(20_001);
    expect(listed(store)).toEqual([]);
  });

  it('does not care about the wall clock of the node', () => {
    const HOUR_MS = 3_600_000;
    for (const skew of [-HOUR_MS, HOUR_MS]) {
      const { store, push } = testStore();
      store.upsertPod(web);
      push(batch({ identities, wallTimeMs: WALL_MS + skew, rows: [usageRow(1), usageRow(2)] }));
      expect(store.podItem('default', 'web')!.usage()!.atWallMs).toBe(WALL_MS);
      expect([...store.clockSkews()]).toEqual([{ node: 'n1', skewMs: skew }]);
    }
  });
});

describe('PointStore: joining points and pods', () => {
  it('keeps points that come before their pod', () => {
    const { store, push } = testStore();
    push(batch({ identities, rows: [usageRow(1), usageRow(2)] }));
    store.upsertPod(web);
    expect(listed(store)).toHaveLength(1);
  });

  it('goes on with the new container when one is restarted', () => {
    const { store, push } = filled();
    const restarted = id('a9');
    store.upsertPod({ ...web, containers: [container('main', restarted), container('side', SIDE)] });
    expect(listed(store)).toEqual([]);
    push(
      batch({
        sequence: 2,
        gone: [1],
        identities: [containerIdentity(3, restarted)],
        rows: [usageRow(3, { cpuWindowUs: 0 })],
      }),
    );
    expect(listed(store)).toEqual([`default/web 0n ${100 * MIB} 1000000000n ${5 * MIB}`]);
    expect(store.observation(MAIN)).toBeUndefined();
  });

  it("takes no other node's word for a pod", () => {
    const { store, push } = filled();
    push(batch({ node: 'n2', identities, rows: [usageRow(0), usageRow(1, { cpuWindowUs: 0 }), usageRow(2)] }));
    expect(listed(store)).toEqual([`default/web 1000000000n ${100 * MIB} 1000000000n ${5 * MIB}`]);
    const place = store.containerOf('n2', batch().bootId, 1, 1);
    expect(place).toBeUndefined();
  });

  it('replaces a pod that was made anew under its name, whatever the order of the events', () => {
    const { store, push } = filled();
    store.upsertPod(pod('web', [container('main', id('e5'))], { uid: 'uid-web-2' }));
    expect(listed(store)).toEqual([]);
    store.removePod('uid-web');
    push(batch({ sequence: 2, identities: [containerIdentity(5, id('e5'), 'uid-web-2')], rows: [usageRow(5)] }));
    expect(listed(store)).toHaveLength(1);
    expect(store.pod('uid-web')).toBeUndefined();
    expect(store.pod('uid-web-2')?.name).toBe('web');
  });

  it('frees the slots of a pod and of its cgroups when both are gone', () => {
    const { store, push } = filled();
    expect(store.counts()).toMatchObject({ pods: 1, slots: 3, containerPoints: 2, nodePoints: 1 });
    store.removePod('uid-web');
    push(batch({ sequence: 2, gone: [1, 2] }));
    expect(store.counts()).toMatchObject({ pods: 0, slots: 1, containerPoints: 0 });
  });

  it('forgets a node that neither the API nor an agent speaks of', () => {
    const { store, advance, push } = filled();
    store.removePod('uid-web');
    store.removeNode('n1');
    advance(STALENESS_MS * 2);
    push(batch({ node: 'n2', identities: [NODE_IDENTITY], rows: [usageRow(0)] }));
    expect(store.counts()).toMatchObject({ nodes: 1, slots: 1 });
  });

  it('refuses more nodes and keeps no more points than its bounds', () => {
    const { store, push } = testStore({ maxNodes: 1, maxSlots: 2 });
    store.upsertPod(web);
    expect(push(batch({ identities, rows: [usageRow(0), usageRow(1), usageRow(2)] })).kind).toBe('accepted');
    expect(store.counts().slots).toBe(2);
    expect(push(batch({ node: 'n2' }))).toEqual({ kind: 'overloaded' });
  });
});

describe('PointStore: observations', () => {
  it('gives what decisions work with, and says whose limits changed', () => {
    const { store, push } = testStore();
    store.upsertPod(web);
    const levels = { memoryCurrentBytes: 110 * MIB, fileBytes: 20 * MIB, memoryLimitBytes: 128 * MIB };
    const first = push(
      batch({ identities, rows: [usageRow(1, { ...levels, cpuLimitMillis: Infinity }), usageRow(2)] }),
    );
    expect(first).toMatchObject({ kind: 'accepted', limitsChanged: [MAIN] });
    expect(store.observation(MAIN)).toEqual({
      atBootMs: 100_000,
      receivedMonoMs: 0,
      receivedWallMs: WALL_MS,
      cpuMillis: 1000,
      workingSetBytes: 100 * MIB,
      memoryCurrentBytes: 110 * MIB,
      fileBytes: 20 * MIB,
      memoryLimitBytes: 128 * MIB,
      cpuLimitMillis: Infinity,
    });
    const same = push(batch({ sequence: 2, rows: [usageRow(1, levels)] }));
    expect(same).toMatchObject({ limitsChanged: [] });
    const raised = push(batch({ sequence: 3, rows: [usageRow(1, { memoryLimitBytes: 256 * MIB })] }));
    expect(raised).toMatchObject({ limitsChanged: [MAIN] });
    expect(store.observation(MAIN)).toMatchObject({ memoryLimitBytes: 256 * MIB, memoryCurrentBytes: 110 * MIB });
  });

  it('keeps the previous point when a row has no rate, and takes its levels', () => {
    const { store, push, advance } = filled();
    advance(5000);
    push(
      batch({
        sequence: 2,
        bootTimeMs: 105_000,
        rows: [usageRow(1, { cpuWindowUs: NaN, memoryCurrentBytes: 7 * MIB })],
      }),
    );
    expect(listed(store)[0]).toContain(` 1000000000n ${100 * MIB} `);
    expect(store.podItem('default', 'web')!.usage()!.atWallMs).toBe(WALL_MS);
    expect(store.observation(MAIN)).toMatchObject({ memoryCurrentBytes: 7 * MIB, atBootMs: 105_000 });
  });

  it('keeps the highest peaks', () => {
    const { store, push } = filled();
    push(batch({ sequence: 2, rows: [usageRow(1, { cpuPeakMillis: 900, workingSetPeakBytes: 8 })] }));
    push(batch({ sequence: 3, rows: [usageRow(1, { cpuPeakMillis: 300, workingSetPeakBytes: 9 })] }));
    expect(store.peaks(MAIN)).toEqual({ cpuMillis: 900, workingSetBytes: 9 });
  });

  it('knows nodes that have not been heard', () => {
    const { store, push } = testStore();
    store.upsertNode(node('n1'));
    store.upsertNode(node('n2'));
    expect(store.silentNodes()).toBe(2);
    push(batch());
    expect(store.silentNodes()).toBe(1);
  });
});
