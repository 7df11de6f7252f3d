// One request to a resource: method and path give the Kubernetes verb, the verb gives the answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listObjects } from './list.ts';
import type { ObjectStore } from './object-store.ts';
import type { KubeObject, NewObject } from './objects.ts';
import { negotiate } from './representation.ts';
import { readJsonBody } from './request-body.ts';
import type { ResourcePath, Verb } from './resources.ts';
import { methodNotAllowed, notFound } from './status.ts';
import { startWatch } from './watch.ts';
import type { WriteRequest } from './writes.ts';
import { createObject, deleteObject, patchObject, replaceObject } from './writes.ts';

export interface Reply {
  readonly code: number;
  readonly body: unknown;
  readonly contentType: string;
}

export interface ResourceOptions {
  readonly store: ObjectStore;
  readonly wallTimeMs: () => number;
  /** Why an object is not created or deleted here; nothing is refused where this is not given. */
  readonly refuse?: (verb: 'create' | 'delete', object: NewObject) => string | undefined;
}

const WRITES = { create: createObject, update: replaceObject, patch: patchObject, delete: deleteObject } as const;

/** @returns undefined where the response stays open (watch) @throws Refusal */
export async function answerResource(
  options: ResourceOptions,
  path: ResourcePath,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Reply | undefined> {
  const { store } = options;
  const verb = verbOf(request.method ?? '', path, query);
  const allowed = path.subresource === undefined ? path.type.verbs : path.type.subresources[path.subresource];
  if (!verb || !allowed?.includes(verb)) throw methodNotAllowed();
  const representation = negotiate(path.type, request.headers.accept ?? '', query, options.wallTimeMs);
  const { contentType } = representation;
  switch (verb) {
    case 'watch':
      startWatch({ store, path, query, representation, response });
      return undefined;
    case 'list': {
      const { items, metadata } = listObjects(store, path, query);
      return { code: 200, body: representation.list(path.type, items, metadata), contentType };
    }
    case 'get': {
      const object = store.get(path.type.resource, path.namespace ?? '', path.name ?? '');
      if (!object) throw notFound(path.type, path.name ?? '');
      return { code: 200, body: representation.one(object), contentType };
    }
    default: {
      const object = WRITES[verb](await writeRequest(options, path, query, request));
      return {
        code: verb === 'create' ? 201 : 200,
        body: representation.one(object satisfies KubeObject),
        contentType,
      };
    }
  }
}

async function writeRequest(
  options: ResourceOptions,
  path: ResourcePath,
  query: URLSearchParams,
  request: IncomingMessage,
): Promise<WriteRequest> {
  const body = await readJsonBody(request);
  return {
    store: options.store,
    path,
    body,
    contentType: request.headers['content-type'] ?? '',
    dryRun: query.getAll('dryRun').includes('All') || (request.method === 'DELETE' && asksForDryRun(body)),
    refuse: options.refuse ?? (() => undefined),
  };
}

/** A delete's options come in its body (meta/v1 DeleteOptions), as kubectl sends them. */
function asksForDryRun(body: unknown): boolean {
  const dryRun = (body as { readonly dryRun?: unknown } | null | undefined)?.dryRun;
  return Array.isArray(dryRun) && dryRun.includes('All');
}

function verbOf(method: string, path: ResourcePath, query: URLSearchParams): Verb | undefined {
  const watch = ['true', '1'].includes(query.get('watch') ?? '');
  switch (method) {
    case 'GET':
      if (path.subresource !== undefined) return 'get';
      if (watch) return 'watch';
      return path.name === undefined ? 'list' : 'get';
    case 'POST':
      return path.name === undefined ? 'create' : undefined;
    case 'PUT':
      return path.name === undefined ? undefined : 'update';
    case 'PATCH':
      return path.name === undefined ? undefined : 'patch';
    case 'DELETE':
      return path.name === undefined ? undefined : 'delete';
    default:
      return undefined;
  }
}
