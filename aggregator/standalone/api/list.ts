// LIST with selectors and chunks. Contract: limit/continue of the Kubernetes API concepts; the token names the last item given.
import type { KubeObject } from './objects.ts';
import type { ObjectStore } from './object-store.ts';
import type { ResourcePath } from './resources.ts';
import type { Matcher } from './selectors.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { badRequest } from './status.ts';

export interface Listing {
  readonly items: readonly KubeObject[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

export function listObjects(store: ObjectStore, path: ResourcePath, query: URLSearchParams): Listing {
  const matches = selectorOf(path, query);
  const limit = Number(query.get('limit') ?? 0);
  if (!Number.isInteger(limit) || limit < 0) throw badRequest(`limit ${query.get('limit')} is no whole number`);
  const after = query.get('continue');
  const last = after ? readToken(after) : undefined;
  const all = store.list(path.type.resource, path.namespace).filter(matches);
  const left = last === undefined ? all : all.filter((object) => keyOf(object) > last);
  const items = limit === 0 ? left : left.slice(0, limit);
  const remaining = left.length - items.length;
  return {
    items,
    metadata: {
      resourceVersion: String(store.version),
      ...(remaining > 0
        ? { continue: Buffer.from(keyOf(items.at(-1)!)).toString('base64url'), remainingItemCount: remaining }
        : {}),
    },
  };
}

/** A name in the path of a watch or list selects that one object. */
export function selectorOf(path: ResourcePath, query: URLSearchParams): Matcher {
  const byLabel = parseLabelSelector(query.get('labelSelector') ?? '');
  const byField = parseFieldSelector(path.type.resource, query.get('fieldSelector') ?? '');
  const { name, namespace } = path;
  return (object) =>
    (name === undefined || object.metadata.name === name) &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    byLabel(object) &&
    byField(object);
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function readToken(token: string): string {
  const key = Buffer.from(token, 'base64url').toString();
  if (!key.includes('/')) throw badRequest('continue key is not valid');
  return key;
}
