// WATCH: one JSON event a line, from a resourceVersion on, until the time-out or either side ends it.
// Contract: Kubernetes API concepts, efficient detection of changes (bookmarks, 410, sendInitialEvents).
import type { ServerResponse } from 'node:http';
import { listObjects, selectorOf } from './list.ts';
import type { Change, ObjectStore } from './object-store.ts';
import type { KubeObject } from './objects.ts';
import type { Representation } from './representation.ts';
import type { ResourcePath } from './resources.ts';
import type { Matcher } from './selectors.ts';
import { badRequest, expired } from './status.ts';

type WatchEvent = 'ADDED' | 'MODIFIED' | 'DELETED';

const BOOKMARK_EVERY_MS = 60_000;
/** kube-apiserver ends a watch after 30 to 60 minutes if the client names no time-out. */
const DEFAULT_TIMEOUT_S = 1800;
const MAX_TIMEOUT_S = 3600;
/** A watcher that reads slower than this is cut off and lists again. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

export interface WatchRequest {
  readonly store: ObjectStore;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly representation: Representation;
  readonly response: ServerResponse;
}

/** Answers at once; the response stays open. @throws Refusal before anything is written */
export function startWatch({ store, path, query, representation, response }: WatchRequest): void {
  const matches = selectorOf(path, query);
  const timeoutS = Math.min(numberIn(query, 'timeoutSeconds') ?? DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S);
  const asked = query.get('resourceVersion') ?? '';
  const initial = query.get('sendInitialEvents') === 'true' || asked === '' || asked === '0';
  const since = initial ? store.version : (numberIn(query, 'resourceVersion') ?? 0);
  const unsent: Change[] = [];
  let deliver = (change: Change): void => void unsent.push(change);
  const subscription = store.subscribe(path.type.resource, since, (change) => deliver(change));
  if (subscription.kind === 'gone') throw expired(since, subscription.oldest);

  response.writeHead(200, { 'Content-Type': representation.contentType, 'Cache-Control': 'no-cache, private' });
  const send = (type: string, object: unknown): void => {
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > MAX_UNSENT_BYTES) response.destroy();
  };
  const bookmark = (annotations?: Readonly<Record<string, string>>): void => {
    if (query.get('allowWatchBookmarks') === 'true') send('BOOKMARK', bookmarkOf(path, store.version, annotations));
  };
  if (initial)
    for (const object of listObjects(
      store,
      path,
      new URLSearchParams(query.toString().replace(/(^|&)(limit|continue)=[^&]*/g, '')),
    ).items)
      send('ADDED', representation.one(object));
  if (query.get('sendInitialEvents') === 'true') bookmark({ 'k8s.io/initial-events-end': 'true' });
  deliver = (change) => {
    const event = eventOf(change, matches);
    if (event) send(event, representation.one(change.object));
  };
  for (const change of unsent) deliver(change);
  response.flushHeaders();

  const bookmarks = setInterval(() => bookmark(), BOOKMARK_EVERY_MS);
  const timeout = setTimeout(() => {
    bookmark();
    response.end();
  }, timeoutS * 1000);
  response.on('close', () => {
    clearInterval(bookmarks);
    clearTimeout(timeout);
    subscription.close();
  });
}

/** An object that a change moves into or out of the selection comes and goes for this watcher. */
function eventOf(change: Change, matches: Matcher): WatchEvent | undefined {
  const now = change.kind !== 'deleted' && matches(change.object);
  const before =
    change.kind === 'added' ? false : matches(change.kind === 'modified' ? change.previous : change.object);
  if (now) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}

function bookmarkOf(path: ResourcePath, version: number, annotations?: Readonly<Record<string, string>>): unknown {
  const metadata: Partial<KubeObject['metadata']> = {
    resourceVersion: String(version),
    ...(annotations ? { annotations } : {}),
  };
  return { kind: path.type.kind, apiVersion: 'v1', metadata };
}

function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name}: ${JSON.stringify(text)} is no whole number`);
  return Number(text);
}
