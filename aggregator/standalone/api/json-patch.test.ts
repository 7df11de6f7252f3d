import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from './json-patch.ts';
import { applyJsonPatch, sameJson } from './json-patch.ts';

const POD: Json = { metadata: { uid: 'u' }, spec: { containers: [{ name: 'a' }, { name: 'b' }] } };

function result(...operations: readonly unknown[]): Json | string {
  const applied = applyJsonPatch(POD, operations);
  return applied.kind === 'patched' ? applied.value : applied.reason;
}

describe('applyJsonPatch', () => {
  it('adds, replaces, removes, moves and copies', () => {
    const value = result(
      { op: 'add', path: '/spec/containers/1', value: { name: 'new' } },
      { op: 'add', path: '/spec/containers/-', value: { name: 'last' } },
      { op: 'replace', path: '/spec/containers/0/name', value: 'first' },
      { op: 'remove', path: '/metadata/uid' },
      { op: 'add', path: '/metadata/a~1b', value: 1 },
      { op: 'copy', from: '/metadata/a~1b', path: '/metadata/c' },
      { op: 'move', from: '/metadata/c', path: '/metadata/d' },
    );
    expect(value).toEqual({
      metadata: { 'a/b': 1, d: 1 },
      spec: { containers: [{ name: 'first' }, { name: 'new' }, { name: 'b' }, { name: 'last' }] },
    });
  });

  it.each([
    [{ op: 'test', path: '/metadata/uid', value: 'other' }, 'testing value /metadata/uid failed'],
    [{ op: 'test', path: '/nowhere', value: 1 }, 'testing value /nowhere failed'],
    [{ op: 'remove', path: '/nowhere' }, 'missing key'],
    [{ op: 'replace', path: '/nowhere', value: 1 }, 'missing key'],
    [{ op: 'replace', path: '/spec/containers/2', value: 1 }, 'invalid index'],
    [{ op: 'add', path: '/spec/containers/3', value: 1 }, 'invalid index'],
    [{ op: 'add', path: '/a/b', value: 1 }, 'missing path'],
    [{ op: 'add', path: 'a', value: 1 }, 'no JSON pointer'],
    [{ op: 'move', from: '/spec', path: '/spec/containers' }, 'into itself'],
    [{ op: 'explode', path: '/a' }, 'unexpected kind'],
    [null, 'must be an object'],
  ])('refuses %j', (operation, reason) => {
    expect(result(operation)).toContain(reason);
  });

  it('leaves the document as it was when a later operation fails', () => {
    const before = JSON.stringify(POD);
    expect(result({ op: 'remove', path: '/spec' }, { op: 'test', path: '/spec', value: 1 })).toContain('failed');
    expect(JSON.stringify(POD)).toBe(before);
  });

  it('writes a key named __proto__ as a key, not as a prototype', () => {
    const value = result({ op: 'add', path: '/metadata/__proto__', value: { polluted: true } });
    expect(JSON.stringify(value)).toContain('"__proto__":{"polluted":true}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('never throws on any list of operations', () => {
    const operation = fc.record(
      {
        op: fc.constantFrom('add', 'remove', 'replace', 'test', 'copy', 'move', 'x'),
        path: pointer(),
        from: pointer(),
        value: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.oneof(operation, fc.jsonValue())), (document, patch) => {
        expect(['patched', 'failed']).toContain(applyJsonPatch(document as Json, patch).kind);
      }),
    );
  });
});

describe('sameJson', () => {
  it('says what JSON.stringify of sorted keys would say', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
        expect(sameJson(a as Json, JSON.parse(JSON.stringify(a)) as Json)).toBe(true);
        expect(sameJson(a as Json, b as Json)).toBe(canonical(a) === canonical(b));
      }),
    );
  });
});

function pointer(): fc.Arbitrary<string> {
  return fc.oneof(fc.constantFrom('', '/', '/a', '/0', '/-', '/a/b', 'x', '/__proto__'), fc.string());
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  ).replaceAll('-0', '0');
}
