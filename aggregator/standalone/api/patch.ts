// PATCH of one object: the patch types by Content-Type, and the preconditions a patch can carry in its metadata.
import { sameJson, applyJsonPatch } from './json-patch.ts';
import type { Json } from './json-patch.ts';
import { applyMergePatch, applyStrategicMerge } from './merge-patch.ts';
import type { KubeObject } from './objects.ts';
import type { ResourceType } from './resources.ts';
import { badRequest, conflict, unprocessablePatch, unsupportedMediaType } from './status.ts';

const PATCH_TYPES: readonly string[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/**
 * @returns what the object would be; not yet validated
 * @throws Refusal 400, 409, 415 or 422
 */
export function patched(type: ResourceType, current: KubeObject, contentType: string, body: unknown): KubeObject {
  const media = contentType.split(';')[0]!.trim();
  const before = current as unknown as Json;
  const after = applyByType(media, before, body);
  if (typeof after !== 'object' || after === null || Array.isArray(after)) {
    throw badRequest('the patch does not leave an object');
  }
  const next = after as unknown as KubeObject;
  checkIdentity(type, current, next);
  return next;
}

function applyByType(media: string, before: Json, body: unknown): Json {
  if (!PATCH_TYPES.includes(media)) throw unsupportedMediaType(PATCH_TYPES);
  if (media === 'application/json-patch+json') {
    const result = applyJsonPatch(before, body);
    if (result.kind === 'failed') throw unprocessablePatch(result.reason);
    return result.value;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('a merge patch is an object');
  if (media === 'application/merge-patch+json') return applyMergePatch(before, body as Json);
  const result = applyStrategicMerge(before, body as Json);
  if (result.kind === 'failed') throw badRequest(result.reason);
  return result.value;
}

/**
 * uid and resourceVersion in a write pin the incarnation and the version it was made for.
 * @throws Refusal 400 or 409
 */
export function checkIdentity(type: ResourceType, current: KubeObject, next: KubeObject): void {
  const { name, namespace, uid, resourceVersion } = current.metadata;
  const given = next.metadata as Partial<KubeObject['metadata']> | undefined;
  if (given?.name !== name)
    throw badRequest(`the name of the object (${given?.name ?? ''}) does not match the name on the URL (${name})`);
  if ((given.namespace ?? '') !== (namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (given.uid !== undefined && given.uid !== uid) {
    throw conflict(type, name, `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${uid}`);
  }
  if (
    given.resourceVersion !== undefined &&
    given.resourceVersion !== '' &&
    given.resourceVersion !== resourceVersion
  ) {
    throw conflict(
      type,
      name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
}

export function sameValue(a: unknown, b: unknown): boolean {
  return sameJson((a ?? null) as Json, (b ?? null) as Json);
}
