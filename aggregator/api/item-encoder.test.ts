import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodedItem, fakeItemSource, usageOf } from '../../test/fakes/item-source.ts';
import { podJson } from './item-json.ts';

const AT = Date.parse('2025-01-09T13:45:39.750Z');
const MIB = 2 ** 20;

it('writes a pod as metrics-server does, with the containers in the order of the spec', () => {
  const usage = usageOf(AT, 17_913_000, [59_123_456, 4620 * 1024], [0, 50 * MIB]);
  const source = fakeItemSource([
    { namespace: 'default', name: 'p', labels: { app: 'web', tier: 'front' }, containers: ['web', 'proxy'], usage },
  ]);
  expect(source.podItem('default', 'p')!.bytes('json')!.toString()).toBe(
    '{"metadata":{"name":"p","namespace":"default","creationTimestamp":"2025-01-09T13:45:39Z","labels":{"app":"web","tier":"front"}},' +
      '"timestamp":"2025-01-09T13:45:39Z","window":"17.913s","containers":[' +
      '{"name":"web","usage":{"cpu":"59123456n","memory":"4620Ki"}},{"name":"proxy","usage":{"cpu":"0","memory":"50Mi"}}]}',
  );
});

it('writes a node without a namespace, and no labels where there are none', () => {
  const source = fakeItemSource([], [{ name: 'n1', usage: usageOf(AT, 15_000_000, [2_000_000_000, MIB]) }]);
  expect(source.nodeItem('n1')!.bytes('json')!.toString()).toBe(
    '{"metadata":{"name":"n1","creationTimestamp":"2025-01-09T13:45:39Z"},' +
      '"timestamp":"2025-01-09T13:45:39Z","window":"15s","usage":{"cpu":"2","memory":"1Mi"}}',
  );
});

it('writes a pod of which no container runs as one without containers', () => {
  const source = fakeItemSource([{ namespace: 'a', name: 'p', containers: [], usage: usageOf(AT, 0) }]);
  expect(JSON.parse(source.podItem('a', 'p')!.bytes('json')!.toString())).toMatchObject({
    window: '0s',
    containers: [],
  });
});

it('leaves out containers that do not run', () => {
  const record = fakeItemSource([{ namespace: 'a', name: 'p', containers: ['init', 'app'] }]).podItem('a', 'p')!.record;
  const containers = record.containers.map((one) => ({ ...one, running: one.name === 'app' }));
  const bytes = encodedItem(podJson, { ...record, containers }, usageOf(AT, 1_000_000, [5000, MIB]));
  expect(JSON.parse(bytes.toString())).toMatchObject({
    containers: [{ name: 'app', usage: { cpu: '5u', memory: '1Mi' } }],
  });
});

it('stays within the room it asks for and writes valid JSON, whatever the names and numbers', () => {
  const text = fc.string({ unit: 'grapheme' });
  const pairs = fc.array(fc.tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true })), { maxLength: 4 });
  fc.assert(
    fc.property(text, text, fc.dictionary(text, text), pairs, fc.double(), (name, namespace, labels, numbers, us) => {
      const containers = numbers.map((_, index) => `${name}-${index}`);
      const usage = usageOf(AT, us, ...numbers);
      const record = fakeItemSource([{ namespace, name, labels, containers }]).podItem(namespace, name)!.record;
      const { head, createdAt, tail } = podJson.template(record);
      const start = 7;
      const out = Buffer.alloc(start + head.length + tail.maxBytes);
      out.set(head, start);
      const end = tail.complete(out, start, start + head.length, start + createdAt, usage);
      expect(end).toBeLessThanOrEqual(out.length);
      const item = JSON.parse(out.toString('utf8', start, end)) as {
        metadata: { name: string };
        containers: unknown[];
      };
      expect(item.metadata.name).toBe(name);
      expect(item.containers).toHaveLength(numbers.length);
    }),
    { numRuns: 300 },
  );
});

it('tells of swap where every container does, and of none where one does not', () => {
  const usage = usageOf(AT, 1_000_000, [1, MIB], [2, MIB]);
  const item = (swapBytes: readonly number[]) => {
    const source = fakeItemSource([
      {
        namespace: 'a',
        name: 'p',
        containers: ['one', 'two'],
        usage: { ...usage, swapBytes: Float64Array.from(swapBytes) },
      },
    ]);
    return (JSON.parse(source.podItem('a', 'p')!.bytes('json')!.toString()) as { containers: { usage: object }[] })
      .containers;
  };
  expect(item([0, 4096]).map((one) => one.usage)).toEqual([
    { cpu: '1n', memory: '1Mi', swap: '0' },
    { cpu: '2n', memory: '1Mi', swap: '4Ki' },
  ]);
  expect(item([0, NaN]).map((one) => Object.keys(one.usage))).toEqual([
    ['cpu', 'memory'],
    ['cpu', 'memory'],
  ]);
});
