// Reading JSON that may be hostile: every access checks the type and names the place. Unknown keys are never looked at.
import { MAX_STRING } from './bounds.ts';
import { checkCount, malformed, Refusal } from './refusal.ts';
import { MAX_UINT32, isWhole } from './wire-values.ts';

/** '[' and '{' in one JSON text: far above a full batch's, far below what would make JSON.parse costly. */
const MAX_CONTAINERS = 65_536;
const OBJECT = 0x7b;
const ARRAY = 0x5b;

const decoder = new TextDecoder('utf-8', { fatal: true });

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws Refusal when `body` is not the UTF-8 JSON text of an object */
export function parseObject(body: Uint8Array, where: string): JsonObject {
  let containers = 0;
  for (const byte of body) if (byte === OBJECT || byte === ARRAY) containers++;
  if (containers > MAX_CONTAINERS)
    throw new Refusal('too_large', `${where}: more than ${MAX_CONTAINERS} objects and arrays`);
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch (error) {
    throw malformed(where, `is not JSON: ${(error as Error).message}`);
  }
  return asObject(value, where);
}

export function asObject(value: unknown, where: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(where, 'is not an object');
  return value as JsonObject;
}

/** A key of the object itself, never of its prototype. */
export function field(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** An absent array is an empty one. */
export function asArray(value: unknown, where: string, most: number): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw malformed(where, 'is not an array');
  checkCount(where, value.length, most);
  return value;
}

export function asString(value: unknown, where: string): string {
  if (typeof value !== 'string') throw malformed(where, 'is not a string');
  if (value.length > MAX_STRING) throw malformed(where, `is longer than ${MAX_STRING} characters`);
  return value;
}

export function asWhole(value: unknown, where: string, most = Number.MAX_SAFE_INTEGER): number {
  if (!isWhole(value, most)) throw malformed(where, `is not a whole number from 0 to ${most}`);
  return value + 0;
}

export function asNumber(value: unknown, where: string): number {
  if (typeof value !== 'number') throw malformed(where, 'is not a number');
  return value;
}

export function asOneOf<T extends string>(value: unknown, where: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw malformed(where, `is none of ${allowed.join(', ')}`);
  return found;
}

export function asRefs(value: unknown, where: string, most: number): number[] {
  return asArray(value, where, most).map((ref, index) => asWhole(ref, `${where}[${index}]`, MAX_UINT32));
}
