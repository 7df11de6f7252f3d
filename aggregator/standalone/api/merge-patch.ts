// JSON Merge Patch (RFC 7386) and the strategic merge of core/v1: lists with a merge key are merged by it,
// `$patch: delete|replace` and `$deleteFromPrimitiveList` are obeyed. Source: apimachinery strategicpatch, patchMergeKey tags of core/v1.
import type { Json } from './json-patch.ts';
import { setKey } from './json-patch.ts';

type JsonObject = { readonly [key: string]: Json };

export function applyMergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Record<string, Json> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setKey(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key]! : null, value));
  }
  return result;
}

/** Merge keys of the lists of Pod, Node, Namespace and Event; a list not named here is replaced whole. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  addresses: 'type',
  conditions: 'type',
  containers: 'name',
  env: 'name',
  ephemeralContainers: 'name',
  hostAliases: 'ip',
  imagePullSecrets: 'name',
  initContainers: 'name',
  ownerReferences: 'uid',
  podIPs: 'ip',
  ports: 'containerPort',
  taints: 'key',
  topologySpreadConstraints: 'topologyKey',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
  volumes: 'name',
};

const DELETE_FROM = '$deleteFromPrimitiveList/';

export type StrategicResult =
  { readonly kind: 'patched'; readonly value: Json } | { readonly kind: 'failed'; readonly reason: string };

export function applyStrategicMerge(target: Json, patch: Json): StrategicResult {
  try {
    return { kind: 'patched', value: merge(target, patch) ?? {} };
  } catch (error) {
    if (error instanceof StrategicFailure) return { kind: 'failed', reason: error.message };
    throw error;
  }
}

class StrategicFailure extends Error {}

/** @returns undefined where the patch says to delete */
function merge(target: Json, patch: Json): Json | undefined {
  if (!isObject(patch)) return patch;
  const directive = patch['$patch'];
  if (directive === 'delete') return undefined;
  if (directive !== undefined && directive !== 'replace' && directive !== 'merge') {
    throw new StrategicFailure(`unknown patch type found: ${JSON.stringify(directive)}`);
  }
  const result: Record<string, Json> = isObject(target) && directive !== 'replace' ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) dropPrimitives(result, key.slice(DELETE_FROM.length), value);
    else if (key.startsWith('$')) continue;
    else if (value === null) delete result[key];
    else setOrDelete(result, key, mergeField(key, Object.hasOwn(result, key) ? result[key]! : null, value));
  }
  return result;
}

function mergeField(key: string, old: Json, value: Json): Json | undefined {
  const mergeKey = MERGE_KEYS[key];
  if (mergeKey !== undefined && Array.isArray(value))
    return mergeList(key, mergeKey, Array.isArray(old) ? old : [], value);
  return merge(old, value);
}

function mergeList(field: string, mergeKey: string, old: readonly Json[], patch: readonly Json[]): Json {
  const replace = patch.some(
    (item) => isObject(item) && item['$patch'] === 'replace' && Object.keys(item).length === 1,
  );
  const result: Json[] = replace ? [] : [...old];
  for (const item of patch) {
    if (!isObject(item)) throw new StrategicFailure(`${field}: an item must be an object`);
    if (replace && Object.keys(item).length === 1 && item['$patch'] === 'replace') continue;
    const id = item[mergeKey];
    if (id === undefined)
      throw new StrategicFailure(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    const at = result.findIndex((candidate) => isObject(candidate) && candidate[mergeKey] === id);
    const merged = merge(at < 0 ? null : result[at]!, item);
    if (merged === undefined) result.splice(at < 0 ? result.length : at, 1);
    else if (at < 0) result.push(merged);
    else result[at] = merged;
  }
  return result;
}

function dropPrimitives(result: Record<string, Json>, field: string, values: Json): void {
  const old = result[field];
  if (!Array.isArray(old) || !Array.isArray(values)) return;
  result[field] = old.filter((item) => !values.includes(item));
}

function setOrDelete(result: Record<string, Json>, key: string, value: Json | undefined): void {
  if (value === undefined) delete result[key];
  else setKey(result, key, value);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
