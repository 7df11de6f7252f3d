import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Ref } from './ref-table.ts';
import { RefTable } from './ref-table.ts';

const ref = fc.oneof(fc.nat(20), fc.constantFrom(2 ** 31, 2 ** 32 - 1));
const known: fc.Arbitrary<Ref> = fc.record({
  kind: fc.constantFrom('node', 'slice', 'pod', 'container'),
  podUid: fc.string({ maxLength: 3 }),
  slot: fc.integer({ min: -1, max: 2_000_000 }),
});
const act = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), ref, known }),
  fc.record({ kind: fc.constant('delete' as const), ref }),
  fc.record({ kind: fc.constant('find' as const), ref }),
);

it('holds what a Map would, whatever comes, goes and is looked up', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const table = new RefTable();
      const model = new Map<number, Ref>();
      for (const one of acts) {
        if (one.kind === 'set') {
          table.set(one.ref, one.known);
          model.set(one.ref, one.known);
        } else if (one.kind === 'delete') {
          table.delete(one.ref);
          model.delete(one.ref);
        }
        expect(table.get(one.ref)).toEqual(model.get(one.ref));
        expect(table.size).toBe(model.size);
      }
      for (const [key, value] of model) {
        const at = table.find(key);
        expect([table.at(at), table.slotAt(at), table.isContainerAt(at)]).toEqual([
          value,
          value.slot,
          value.kind === 'container',
        ]);
      }
      const sorted = [...model.keys()].sort((a, b) => a - b);
      expect(table.clear()).toEqual(sorted.map((key) => model.get(key)));
      expect([table.size, table.has(sorted[0] ?? 0)]).toEqual([0, false]);
    }),
  );
});
