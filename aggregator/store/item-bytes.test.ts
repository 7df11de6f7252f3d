import { crc32, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { PodRecord } from '../kube/records.ts';
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
import type { Deflated, ItemEncoding } from './views.ts';

const HUGE: ItemEncoding<PodRecord> = {
  separator: Buffer.from(','),
  template: () => ({
    head: Buffer.alloc(0),
    createdAt: 0,
    tail: {
      maxBytes: MIB,
      complete: (out, _start, end) => {
        out.fill(0x78, end, end + MIB);
        return end + MIB;
      },
    },
  }),
};

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
  it('keeps what was made until a number changes, in each encoding and compressed', async () => {
    const { store, push } = manyPods(3);
    const [stretch] = store.podStretches();
    const [json, deflated] = [stretch!.encoded('json'), await stretch!.deflated('protobuf')];
    expect(stretch!.encoded('json')).toBe(json);
    expect(await stretch!.deflated('protobuf')).toBe(deflated);
    push(batch({ sequence: 2, bootTimeMs: 101_000, rows: [usageRow(0)] }));
    expect(stretch!.encoded('json')).not.toBe(json);
    expect(await stretch!.deflated('protobuf')).not.toBe(deflated);
  });

  it('writes over bytes only when nobody holds on to them', () => {
    const { store, push } = manyPods(3);
    const [stretch] = store.podStretches();
    const changed = (sequence: number) => {
      push(batch({ sequence, bootTimeMs: 100_000 + sequence, rows: [usageRow(0, { workingSetBytes: sequence })] }));
      return stretch!.encoded('json');
    };
    const first = stretch!.encoded('json');
    const text = first.bytes.toString();
    first.users++;
    const second = changed(2);
    expect([first.bytes.toString(), second.bytes.buffer === first.bytes.buffer]).toEqual([text, false]);
    const third = changed(3);
    expect(third.bytes.buffer === second.bytes.buffer).toBe(true);
    expect(third.bytes.toString()).toBe(text.replace(/000n \d+/, '000n 3'));
  });

  it('keeps what was made when a pod’s record changes in nothing that is served', () => {
    const { store } = manyPods(3);
    const [stretch] = store.podStretches();
    const made = stretch!.encoded('json');
    const same = pod('web-1', [container('main', id('2x'))], { uid: 'uid-1' });
    store.upsertPod({ ...same, qosClass: 'Guaranteed', labels: { ...same.labels } });
    expect(stretch!.encoded('json')).toBe(made);
    store.upsertPod({ ...same, labels: { app: 'other' } });
    expect(stretch!.encoded('json')).not.toBe(made);
    store.upsertPod({ ...same, labels: { app: 'other' }, phase: 'Succeeded' });
    expect(stretch!.encoded('json').instants).toHaveLength(2);
  });

  it('compresses to the same bytes, without the first separator, each stretch for itself', async () => {
    const { store } = manyPods(1200);
    const stretches = store.podStretches();
    const compressed = await Promise.all(stretches.map((stretch) => stretch.deflated('json')));
    for (const [at, { bytes, crc, length, instants }] of compressed.entries()) {
      const plain = stretches[at]!.encoded('json').bytes.subarray(1);
      // The last block, which the stretch leaves to the whole body.
      expect(inflateRawSync(Buffer.concat([bytes, Buffer.from('0300', 'hex')])).equals(plain)).toBe(true);
      expect([crc, length, instants]).toEqual([crc32(plain), plain.length, stretches[at]!.encoded('json').instants]);
    }
  });

  it('gives out what was true when it began to be compressed, and keeps none of it that changed meanwhile', async () => {
    const { store, push } = manyPods(3);
    const [stretch] = store.podStretches();
    const inflated = async (given: Promise<Deflated>): Promise<string> =>
      inflateRawSync(Buffer.concat([(await given).bytes, Buffer.from('0300', 'hex')])).toString();
    const [before, under] = [stretch!.encoded('json').bytes.toString(), stretch!.deflated('json')];
    await Promise.resolve(); // its turn has come
    push(batch({ sequence: 2, bootTimeMs: 101_000, rows: [usageRow(0, { workingSetBytes: 77 })] }));
    const after = stretch!.encoded('json').bytes.toString();
    expect(after).not.toBe(before);
    expect([`,${await inflated(under)}`, `,${await inflated(stretch!.deflated('json'))}`]).toEqual([before, after]);
  });

  it('gives the items that match, the same bytes as alone', () => {
    const { store } = manyPods(1200);
    const matches = ({ name }: PodRecord): boolean => name.endsWith('7');
    const selected = store.podStretches().map((stretch) => stretch.selected('json', matches));
    const alone = [...store.podItems()].filter(({ record }) => matches(record)).map((item) => item.bytes('json')!);
    expect(selected.map(({ bytes }) => bytes.toString()).join('')).toBe(
      alone.map((bytes) => `,${bytes.toString()}`).join(''),
    );
    expect(selected.reduce((sum, { instants }) => sum + instants.length, 0)).toBe(alone.length);
  });

  it('gives a list that is under way what is true, though its stretches were split meanwhile', () => {
    const { store } = manyPods(400);
    const [stretch, ...more] = store.podStretches();
    expect(more).toEqual([]);
    for (let at = 400; at < 700; at++)
      store.upsertPod(pod(`web-${at}`, [container('main', id(`${at + 1}x`))], { uid: `uid-${at}` }));
    expect(store.podStretches().length).toBeGreaterThan(1);
    for (const uid of ['uid-3', 'uid-4']) {
      expect(stretch!.encoded('json').bytes.toString()).toContain(`default/web-${uid.slice(4)} `);
      store.removePod(uid);
      expect(stretch!.encoded('json').bytes.toString()).not.toContain(`default/web-${uid.slice(4)} `);
    }
  });

  it('gives the same bytes in a list as alone, whatever the number of leaves', () => {
    const { store } = manyPods(2000);
    expect(store.podStretches().length).toBeGreaterThan(3);
    const alone = [...store.podItems()].map((item) => item.bytes('json')!.toString('latin1'));
    expect(alone).toHaveLength(2000);
    expect(listed(store)).toEqual(alone);
  });

  it('says when each item of a stretch was read', () => {
    const { store } = manyPods(3);
    const [stretch] = store.podStretches();
    expect(stretch!.encoded('json').instants).toHaveLength(3);
    store.removePod('uid-1');
    expect(stretch!.encoded('json').instants).toHaveLength(2);
  });

  it('makes room for items of any size', () => {
    const { store } = manyPods(3, {
      encodePod: { json: HUGE, protobuf: HUGE },
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
