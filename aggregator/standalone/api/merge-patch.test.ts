import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from './json-patch.ts';
import { applyMergePatch, applyStrategicMerge } from './merge-patch.ts';

const TWO = {
  containers: [{ name: 'a', image: 'x', resources: { limits: { cpu: '1', memory: '1Gi' } } }, { name: 'b' }],
};

function strategic(patch: Json): Json | string {
  const result = applyStrategicMerge(TWO, patch);
  return result.kind === 'patched' ? result.value : result.reason;
}

describe('applyMergePatch', () => {
  it('replaces lists whole, merges objects and removes nulls', () => {
    expect(applyMergePatch({ a: [1, 2], b: { c: 1, d: 2 } }, { a: [3], b: { c: null } })).toEqual({
      a: [3],
      b: { d: 2 },
    });
  });

  it('applied twice gives the same as once', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const once = applyMergePatch(target as Json, patch as Json);
        expect(applyMergePatch(once, patch as Json)).toEqual(once);
      }),
    );
  });
});

describe('applyStrategicMerge', () => {
  it('merges containers by their name and leaves the others', () => {
    expect(strategic({ containers: [{ name: 'a', resources: { limits: { memory: '2Gi' } } }] })).toEqual({
      containers: [{ name: 'a', image: 'x', resources: { limits: { cpu: '1', memory: '2Gi' } } }, { name: 'b' }],
    });
  });

  it('obeys $patch and ignores the order that kubectl edit sends', () => {
    expect(
      strategic({ containers: [{ name: 'b', $patch: 'delete' }, { name: 'c' }], '$setElementOrder/containers': [] }),
    ).toEqual({
      containers: [TWO.containers[0], { name: 'c' }],
    });
    expect(strategic({ containers: [{ $patch: 'replace' }, { name: 'z' }] })).toEqual({ containers: [{ name: 'z' }] });
  });

  it('says which merge key is missing', () => {
    expect(strategic({ containers: [{ image: 'y' }] })).toContain('does not contain declared merge key: name');
  });
});
