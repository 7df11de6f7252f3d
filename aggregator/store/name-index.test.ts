import { array, assert, boolean, integer, property, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planOf } from './leaf-plan.ts';
import type { Indexed } from './name-index.ts';
import { NameIndex } from './name-index.ts';

function entryOf(name: string): Indexed {
  return { name, leaf: undefined };
}

function names(index: NameIndex<Indexed>): string[] {
  return index.leaves().flatMap((leaf) => leaf.entries.map((entry) => entry.name));
}

/** One insert or removal; throws when a leaf that changes keeps its bytes. */
function step(index: NameIndex<Indexed>, model: Map<string, Indexed>, insert: boolean, name: string): void {
  const known = model.get(name);
  if (insert === (known !== undefined)) return;
  const entry = known ?? entryOf(name);
  const before = entry.leaf;
  if (insert) index.insert(entry);
  else index.remove(entry);
  if (insert) model.set(name, entry);
  else model.delete(name);
  const changed = insert ? entry.leaf : before;
  if (changed === undefined || changed.made !== undefined || changed.plan !== undefined)
    throw new Error(`${name}: the leaf keeps its bytes`);
  if (!insert && entry.leaf !== undefined) throw new Error(`${name}: still filed`);
  if (changed.retired) return;
  changed.made = {};
  changed.plan = planOf([]);
}

describe('NameIndex', () => {
  it('stays sorted and complete through any inserts and removals, and forgets the bytes of leaves that change', () => {
    const steps = array(tuple(boolean(), integer({ min: 0, max: 3000 })), { maxLength: 4000, size: 'max' });
    assert(
      property(steps, (given) => {
        const index = new NameIndex<Indexed>();
        const model = new Map<string, Indexed>();
        for (const [insert, number] of given) step(index, model, insert, `pod-${number}`);
        expect(names(index)).toEqual([...model.keys()].sort());
        expect(index.size).toBe(model.size);
        for (const leaf of index.leaves()) for (const entry of leaf.entries) expect(entry.leaf).toBe(leaf);
      }),
      { numRuns: 30 },
    );
  });

  it('holds leaves of some hundred entries, and does not keep small ones after many removals', () => {
    const index = new NameIndex<Indexed>();
    const entries = Array.from({ length: 10_000 }, (_, at) => entryOf(`pod-${(at * 7919) % 10_000}`));
    for (const entry of entries) index.insert(entry);
    expect(Math.max(...index.leaves().map((leaf) => leaf.entries.length))).toBeLessThanOrEqual(512);
    expect(index.leaves().length).toBeLessThan(60);
    for (const entry of entries.slice(0, 9900)) index.remove(entry);
    expect(index.leaves().length).toBeLessThanOrEqual(3);
  });

  it('leaves a list that was begun its leaves when one is split', () => {
    const index = new NameIndex<Indexed>();
    for (let at = 0; at < 512; at++) index.insert(entryOf(`pod-${at + 1000}`));
    const [begun] = index.leaves();
    index.insert(entryOf('pod-2000'));
    expect(index.leaves()).toHaveLength(2);
    expect(begun!.entries).toHaveLength(513);
  });
});
