// CREATE, UPDATE, PATCH and DELETE of one object: reads the body's candidate, lets the kind's rules judge it, stores it.
import { randomBytes } from 'node:crypto';
import type { KubeObject, NewObject, Pod } from './objects.ts';
import type { ObjectStore } from './object-store.ts';
import { checkFields } from './check-fields.ts';
import { checkIdentity, patched, sameValue } from './patch.ts';
import { isPod, qosClassOf } from './pod-resources.ts';
import { keepMetadata, podResize, podUpdate } from './pod-writes.ts';
import type { ResourcePath } from './resources.ts';
import { alreadyExists, badRequest, conflict, forbidden, notFound } from './status.ts';

export interface WriteRequest {
  readonly store: ObjectStore;
  readonly path: ResourcePath;
  readonly body: unknown;
  readonly contentType: string;
  readonly dryRun: boolean;
  /** Says why a creation or deletion is not done here; undefined lets it through. */
  readonly refuse: (verb: 'create' | 'delete', object: NewObject) => string | undefined;
}

export function createObject({ store, path, body, dryRun, refuse }: WriteRequest): KubeObject {
  const { type, namespace } = path;
  const given = asObject(body);
  if (given.kind !== undefined && given.kind !== type.kind) throw badRequest(`${given.kind} is no ${type.kind}`);
  const name = given.metadata.name ?? generatedName(given);
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name))
    throw badRequest(`${JSON.stringify(name)} is no valid name`);
  if (type.namespaced && namespace === undefined) throw badRequest('the namespace is missing in the path');
  if ((given.metadata.namespace ?? namespace) !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (namespace !== undefined && !store.get('namespaces', '', namespace)) {
    throw notFound({ ...type, resource: 'namespaces' }, namespace);
  }
  checkFields({ ...given, kind: type.kind });
  const { labels, annotations } = given.metadata;
  const object = defaulted({
    ...given,
    apiVersion: 'v1',
    kind: type.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
    },
  });
  const why = refuse('create', object);
  if (why !== undefined) throw forbidden(type, name, why);
  if (store.get(type.resource, namespace ?? '', name)) throw alreadyExists(type, name);
  if (dryRun) return object as KubeObject;
  return store.create(type.resource, object)!;
}

export function replaceObject(request: WriteRequest): KubeObject {
  const current = mustGet(request);
  const given = asObject(request.body) as KubeObject;
  checkIdentity(request.path.type, current, given);
  return storeJudged(request, current, given);
}

export function patchObject(request: WriteRequest): KubeObject {
  const current = mustGet(request);
  return storeJudged(request, current, patched(request.path.type, current, request.contentType, request.body));
}

export function deleteObject(request: WriteRequest): KubeObject {
  const current = mustGet(request);
  const { type, name = '', namespace = '' } = request.path;
  const why = request.refuse('delete', current);
  if (why !== undefined) throw forbidden(type, name, why);
  const uid = (request.body as { preconditions?: { uid?: string } } | undefined)?.preconditions?.uid;
  if (uid !== undefined && uid !== current.metadata.uid) {
    throw conflict(
      type,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
    );
  }
  return request.dryRun ? current : request.store.remove(type.resource, namespace, name)!;
}

function storeJudged(request: WriteRequest, current: KubeObject, given: KubeObject): KubeObject {
  const next = judged(request, current, given);
  if (request.dryRun || sameValue(current, next)) return request.dryRun ? next : current;
  const { type, name = '', namespace = '' } = request.path;
  return request.store.update(type.resource, namespace, name, () => next)!;
}

function judged({ store, path }: WriteRequest, current: KubeObject, given: KubeObject): KubeObject {
  checkFields({ ...given, kind: current.kind });
  if (isPod(current)) {
    return path.subresource === 'resize'
      ? podResize(path.type, store, current, given as Pod)
      : podUpdate(path.type, current, given as Pod);
  }
  // Events are repeated by patching their count and lastTimestamp: all fields but identity are the writer's.
  if (current.kind === 'Event')
    return { ...given, apiVersion: 'v1', kind: 'Event', metadata: keepMetadata(current, given) };
  return { ...current, spec: given.spec, metadata: keepMetadata(current, given) };
}

function mustGet({ store, path }: WriteRequest): KubeObject {
  const { type, name = '', namespace = '' } = path;
  const current = store.get(type.resource, namespace, name);
  if (!current) throw notFound(type, name);
  return current;
}

type GivenObject = Omit<NewObject, 'metadata'> & {
  readonly metadata: Partial<KubeObject['metadata']> & { readonly generateName?: string };
};

function asObject(body: unknown): GivenObject {
  const object = body as GivenObject | undefined;
  if (
    typeof object !== 'object' ||
    object === null ||
    typeof object.metadata !== 'object' ||
    object.metadata === null
  ) {
    throw badRequest('the body must be an object with metadata');
  }
  return object;
}

function generatedName({ metadata }: GivenObject): string {
  if (metadata.generateName === undefined) throw badRequest('name or generateName is required');
  return metadata.generateName + randomBytes(4).toString('hex').slice(0, 5);
}

function defaulted(object: NewObject): NewObject {
  if (object.kind === 'Namespace')
    return { ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } };
  if (object.kind !== 'Pod') return object;
  const spec = (object as Pod).spec;
  if (!Array.isArray(spec?.containers) || spec.containers.length === 0)
    throw badRequest('spec.containers: Required value');
  return {
    ...object,
    metadata: { ...object.metadata, generation: 1 },
    status: (object as Pod).status ?? { phase: 'Pending', qosClass: qosClassOf(spec) },
  };
}
