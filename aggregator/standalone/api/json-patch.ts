// JSON Patch (RFC 6902) as kube-apiserver applies it: all operations or none, `test` compares by value.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type PatchResult =
  { readonly kind: 'patched'; readonly value: Json } | { readonly kind: 'failed'; readonly reason: string };

/** As kube-apiserver: more operations than this are refused. */
const MAX_OPERATIONS = 10_000;

class PatchFailure extends Error {}

/** @param document is not changed */
export function applyJsonPatch(document: Json, patch: unknown): PatchResult {
  if (!Array.isArray(patch)) return { kind: 'failed', reason: 'a JSON patch is a list of operations' };
  if (patch.length > MAX_OPERATIONS) {
    return {
      kind: 'failed',
      reason: `the allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    };
  }
  const root = { value: structuredClone(document) as MutableJson };
  try {
    for (const operation of patch) applyOperation(root, operation);
  } catch (error) {
    if (error instanceof PatchFailure) return { kind: 'failed', reason: error.message };
    throw error;
  }
  return { kind: 'patched', value: root.value };
}

type MutableJson = null | boolean | number | string | MutableJson[] | { [key: string]: MutableJson };
type Root = { value: MutableJson };

function applyOperation(root: Root, given: unknown): void {
  if (typeof given !== 'object' || given === null) throw new PatchFailure('an operation must be an object');
  const { op, path, from, value } = given as Record<string, unknown>;
  if (typeof path !== 'string') throw new PatchFailure('missing path');
  switch (op) {
    case 'test': {
      const found = read(root, path);
      if (!sameJson(found ?? null, (value ?? null) as Json))
        throw new PatchFailure(`testing value ${path} failed: test failed`);
      return;
    }
    case 'add':
      return write(root, path, required(value, path), 'add');
    case 'replace':
      return write(root, path, required(value, path), 'replace');
    case 'remove':
      return remove(root, path);
    case 'copy':
    case 'move': {
      if (typeof from !== 'string') throw new PatchFailure(`${op} operation has no from`);
      const source = read(root, from);
      if (source === undefined) throw new PatchFailure(`${op} operation: missing value at ${from}`);
      if (op === 'move') {
        if (path.startsWith(`${from}/`)) throw new PatchFailure(`${from} can't be moved into itself`);
        remove(root, from);
      }
      return write(root, path, structuredClone(source), 'add');
    }
    default:
      throw new PatchFailure(`unexpected kind of operation: ${JSON.stringify(op)}`);
  }
}

function required(value: unknown, path: string): MutableJson {
  if (value === undefined) throw new PatchFailure(`missing value for ${path}`);
  return structuredClone(value) as MutableJson;
}

function tokens(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new PatchFailure(`${pointer} is no JSON pointer`);
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(root: Root, pointer: string): MutableJson | undefined {
  let here: MutableJson | undefined = root.value;
  for (const token of tokens(pointer)) here = here === undefined ? undefined : child(here, token);
  return here;
}

function child(parent: MutableJson, token: string): MutableJson | undefined {
  if (Array.isArray(parent)) return /^(0|[1-9]\d*)$/.test(token) ? parent[Number(token)] : undefined;
  if (typeof parent === 'object' && parent !== null) return Object.hasOwn(parent, token) ? parent[token] : undefined;
  return undefined;
}

/** The container that holds the pointer's last token. */
function parentOf(
  root: Root,
  pointer: string,
): { parent: MutableJson[] | { [key: string]: MutableJson }; token: string } {
  const path = tokens(pointer);
  const token = path.pop()!;
  let parent: MutableJson | undefined = root.value;
  for (const part of path) parent = parent === undefined ? undefined : child(parent, part);
  if (typeof parent !== 'object' || parent === null) throw new PatchFailure(`doc is missing path: ${pointer}`);
  return { parent, token };
}

function write(root: Root, pointer: string, value: MutableJson, mode: 'add' | 'replace'): void {
  if (pointer === '') {
    root.value = value;
    return;
  }
  const { parent, token } = parentOf(root, pointer);
  if (Array.isArray(parent)) {
    const index = token === '-' && mode === 'add' ? parent.length : indexIn(parent, token, pointer, mode);
    parent.splice(index, mode === 'add' ? 0 : 1, value);
    return;
  }
  if (mode === 'replace' && !Object.hasOwn(parent, token)) {
    throw new PatchFailure(`replace operation does not apply: doc is missing key: ${pointer}`);
  }
  setKey(parent, token, value);
}

function remove(root: Root, pointer: string): void {
  if (pointer === '') throw new PatchFailure("the whole document can't be removed");
  const { parent, token } = parentOf(root, pointer);
  if (Array.isArray(parent)) {
    parent.splice(indexIn(parent, token, pointer, 'remove'), 1);
    return;
  }
  if (!Object.hasOwn(parent, token))
    throw new PatchFailure(`remove operation does not apply: doc is missing key: ${pointer}`);
  delete parent[token];
}

function indexIn(
  list: readonly MutableJson[],
  token: string,
  pointer: string,
  mode: 'add' | 'replace' | 'remove',
): number {
  const index = /^(0|[1-9]\d*)$/.test(token) ? Number(token) : NaN;
  const most = mode === 'add' ? list.length : list.length - 1;
  if (!(index <= most)) throw new PatchFailure(`${mode} operation does not apply: invalid index in ${pointer}`);
  return index;
}

/** A key named __proto__ is an ordinary key of a JSON document. */
export function setKey<T>(object: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

export function sameJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, at) => sameJson(item as Json, b[at] as Json))
    );
  }
  const left = a as Readonly<Record<string, Json>>;
  const right = b as Readonly<Record<string, Json>>;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key]!, right[key]!))
  );
}
