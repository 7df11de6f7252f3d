import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { fakeItemSource, usageOf } from '../../test/fakes/item-source.ts';
import { metricsEncoders } from './item-encoder.ts';

const AT = Date.parse('2025-01-09T13:45:39.750Z');
const MIB = 2 ** 20;

it('writes a pod as metrics-server does, with the containers in the order of the spec', () => {
  const usage = usageOf(AT, 17_913_000, [59_123_456, 4620 * 1024], [0, 50 * MIB]);
  const source = fakeItemSource([
    { namespace: 'default', name: 'p', labels: { app: 'web', tier: 'front' }, containers: ['web', 'proxy'], usage },
  ]);
  expect(source.podItem('default', 'p')!.bytes()!.toString()).toBe(
    '{"metadata":{"name":"p","namespace":"default","creationTimestamp":"2025-01-09T13:45:39Z","labels":{"app":"web","tier":"front"}},' +
      '"timestamp":"2025-01-09T13:45:39Z","window":"17.913s","containers":[' +
      '{"name":"web","usage":{"cpu":"59123456n","memory":"4620Ki"}},{"name":"proxy","usage":{"cpu":"0","memory":"50Mi"}}]}',
  );
});

it('writes a node without a namespace, and no labels where there are none', () => {
  const source = fakeItemSource([], [{ name: 'n1', usage: usageOf(AT, 15_000_000, [2_000_000_000, MIB]) }]);
  expect(source.nodeItem('n1')!.bytes()!.toString()).toBe(
    '{"metadata":{"name":"n1","creationTimestamp":"2025-01-09T13:45:39Z"},' +
      '"timestamp":"2025-01-09T13:45:39Z","window":"15s","usage":{"cpu":"2","memory":"1Mi"}}',
  );
});

it('writes a pod of which no container runs as one without containers', () => {
  const source = fakeItemSource([{ namespace: 'a', name: 'p', containers: [], usage: usageOf(AT, 0) }]);
  expect(JSON.parse(source.podItem('a', 'p')!.bytes()!.toString())).toMatchObject({ window: '0s', containers: [] });
});

it('leaves out containers that do not run', () => {
  const record = fakeItemSource([{ namespace: 'a', name: 'p', containers: ['init', 'app'] }]).podItem('a', 'p')!.record;
  const containers = record.containers.map((one) => ({ ...one, running: one.name === 'app' }));
  const writer = metricsEncoders.encodePod({ ...record, containers });
  const out = Buffer.alloc(writer.maxBytes);
  const end = writer.write(out, 0, usageOf(AT, 1_000_000, [5000, MIB]));
  expect(JSON.parse(out.toString('utf8', 0, end))).toMatchObject({
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
      const writer = metricsEncoders.encodePod(record);
      const out = Buffer.alloc(7 + writer.maxBytes);
      const end = writer.write(out, 7, usage);
      expect(end).toBeLessThanOrEqual(7 + writer.maxBytes);
      const item = JSON.parse(out.toString('utf8', 7, end)) as { metadata: { name: string }; containers: unknown[] };
      expect(item.metadata.name).toBe(name);
      expect(item.containers).toHaveLength(numbers.length);
    }),
    { numRuns: 300 },
  );
});
