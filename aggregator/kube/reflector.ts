// List and watch of one resource (API concepts: "Efficient detection of changes"): pages of 500, bookmarks, 410 → list again.
// It never gives up; what it keeps of an object is its key and resourceVersion, the projection goes straight to the listener.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../agent/runtime/clock.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import { createBackoff, sleepUnlessAborted } from './backoff.ts';
import type { Backoff, Sleep } from './backoff.ts';
import { exposedCollector } from './collect.ts';
import type { KubeHttp } from './http.ts';
import { both, objectOf, readShaped, SharedValues, WHOLE } from './json-shape.ts';
import type { ObjectShape } from './json-shape.ts';
import { readLines, TooLong, WholeBody } from './lines.ts';
import { readListPage } from './list-page.ts';
import type { ListMeta } from './list-page.ts';
import type { WireMeta, WireObject, WireStatus } from './wire.ts';

export interface ReflectorOptions<T> {
  /** Collection, e.g. "/api/v1/pods". */
  readonly path: string;
  /** e.g. "metadata.name=x"; undefined: everything. */
  readonly fieldSelector?: string;
  /** What `project` and `keyOf` read of an object, metadata.resourceVersion included; undefined: objects are parsed whole. */
  readonly shape?: ObjectShape;
  /** undefined: not an object that can be kept. Must not throw. */
  readonly project: (object: WireObject) => T | undefined;
  /** What tells two incarnations apart, e.g. the uid. */
  readonly keyOf: (meta: WireMeta) => string | undefined;
  readonly onUpsert: (record: T) => void;
  readonly onRemove: (key: string) => void;
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tests give their own. */
  readonly random?: () => number;
  readonly sleep?: Sleep;
}

const PAGE = 500;
const LIST_TIMEOUT_MS = 60_000;
/** 500 of the largest objects would be more; a server that sends as much for others is broken. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;
/** Objects are taken in for so long at a stretch, then others get their turn. */
const SLICE_MS = 5;
/** The most that a server's Retry-After is heeded. */
const MAX_RETRY_AFTER_MS = 60_000;
const WATCH_SECONDS = { least: 240, most: 480 };
/** A watch that outlives its own timeoutSeconds by this much has lost its server. */
const WATCH_GRACE_MS = 15_000;
/** A watch that lived this long was sound: the next starts at once. */
const SETTLED_MS = 10_000;
/** etcd takes 1.5 MiB an object; its JSON with managed fields stays below this. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/** What an event of type ERROR has for an object (meta/v1 Status). */
const STATUS_SHAPE = objectOf({ code: WHOLE, reason: WHOLE, message: WHOLE });

type WatchEnd = 'ended' | 'expired' | 'failed';

/** The server answered, but not with what was asked for. */
class Refused extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterMs = Math.min(MAX_RETRY_AFTER_MS, retryAfterSeconds * 1000);
  }
}

interface WatchEvent {
  readonly type?: string;
  readonly object?: WireObject & WireStatus;
}

export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #abort = new AbortController();
  readonly #collector = exposedCollector();
  readonly #backoff: Backoff;
  readonly #sleep: Sleep;
  /** key → resourceVersion of what the listener was told. */
  readonly #known = new Map<string, string>();
  readonly #shared = new SharedValues();
  readonly #eventShape: ObjectShape;
  #resourceVersion = '';
  #lastSyncMs = -Infinity;
  readonly #synced: Promise<void>;
  #resolveSynced: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    const object = options.shape === undefined ? WHOLE : both(options.shape, STATUS_SHAPE);
    this.#eventShape = objectOf({ type: WHOLE, object });
    this.#backoff = createBackoff(options.random ?? Math.random);
    this.#sleep = options.sleep ?? sleepUnlessAborted;
    this.#synced = new Promise((resolve) => (this.#resolveSynced = resolve));
  }

  /** CLOCK_BOOTTIME in ms when the API server was last heard on this resource; -Infinity before the first list. */
  get lastSyncMs(): number {
    return this.#lastSyncMs;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Resolves after the first whole list. */
  get synced(): Promise<void> {
    return this.#synced;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const { log, path } = this.#options;
    while (!signal.aborted) {
      let end: WatchEnd = 'failed';
      let leastMs = 0;
      try {
        if (this.#resourceVersion === '') await this.#list();
        end = await this.#watch();
      } catch (err) {
        if (signal.aborted) return;
        log.warn({ path, err }, 'list or watch failed');
        if (err instanceof Refused) leastMs = err.retryAfterMs;
      }
      if (end === 'expired') this.#resourceVersion = '';
      // A stream that closes in its own time starts again at once, by its time-out's jitter; anything else backs off.
      if (end !== 'ended') await this.#sleep(Math.max(leastMs, this.#backoff.nextMs()), signal);
    }
  }

  async #list(): Promise<void> {
    const { path, log } = this.#options;
    const seen = new Set<string>();
    const body = new WholeBody(MAX_PAGE_BYTES);
    let meta: ListMeta = {};
    do {
      const from = meta.continue ? `&continue=${encodeURIComponent(meta.continue)}` : '';
      const page = await this.#page(`${path}?limit=${PAGE}${this.#selection()}${from}`, body);
      meta = await this.#takePage(page, seen);
      this.#collector.young();
    } while (meta.continue);
    if (!meta.resourceVersion) throw new Error(`GET ${path}: the list has no resourceVersion`);
    for (const key of this.#known.keys()) if (!seen.has(key)) this.#remove(key);
    this.#resourceVersion = meta.resourceVersion;
    this.#heard();
    this.#resolveSynced?.();
    log.info({ path, count: seen.size }, 'listed');
  }

  #page(path: string, whole: WholeBody): Promise<Buffer> {
    return this.#within(LIST_TIMEOUT_MS, async (signal) => {
      const { status, retryAfterSeconds, chunks } = await this.#options.http.stream(path, signal);
      const body = await whole.read(chunks);
      if (status === 200) return body;
      throw new Refused(`GET ${path}: HTTP ${status}: ${messageIn(body)}`, retryAfterSeconds);
    });
  }

  async #takePage(page: Buffer, seen: Set<string>): Promise<ListMeta> {
    const items = readListPage(page, this.#options.shape ?? WHOLE, this.#shared);
    let beganMs = performance.now();
    for (;;) {
      const item = items.next();
      if (item.done) return item.value;
      this.#upsert(item.value, seen);
      if (performance.now() - beganMs < SLICE_MS) continue;
      await nextTurn();
      if (this.#abort.signal.aborted) throw new Error('closed while listing');
      beganMs = performance.now();
    }
  }

  #watch(): Promise<WatchEnd> {
    const { http, path, random = Math.random } = this.#options;
    const { least, most } = WATCH_SECONDS;
    const seconds = Math.round(least + random() * (most - least));
    const query = `?watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${this.#resourceVersion}${this.#selection()}`;
    return this.#within(seconds * 1000 + WATCH_GRACE_MS, async (signal) => {
      const { status, retryAfterSeconds, chunks } = await http.stream(path + query, signal);
      if (status === 410) return 'expired';
      if (status !== 200) throw new Refused(`watch of ${path}: HTTP ${status}`, retryAfterSeconds);
      return this.#follow(chunks);
    });
  }

  /** What is left of the connection's work when `act` ends is cut off. */
  async #within<R>(ms: number, act: (signal: AbortSignal) => Promise<R>): Promise<R> {
    // No AbortSignal.any here: on Node 20 each one stays referenced by the long-lived signal.
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    this.#abort.signal.addEventListener('abort', onAbort);
    const deadline = setTimeout(onAbort, ms);
    try {
      return await act(stop.signal);
    } finally {
      clearTimeout(deadline);
      this.#abort.signal.removeEventListener('abort', onAbort);
      stop.abort();
    }
  }

  async #follow(chunks: AsyncIterable<Uint8Array>): Promise<WatchEnd> {
    const { path, log, clock } = this.#options;
    const startMs = clock.bootTimeMs();
    try {
      for await (const line of readLines(chunks, MAX_LINE_BYTES)) {
        const refusal = this.#apply(readShaped(line, this.#eventShape, this.#shared) as WatchEvent);
        if (refusal) {
          log.info({ path, reason: refusal.reason, code: refusal.code }, 'watch refused by the server');
          return refusal.code === 410 || refusal.reason === 'Expired' ? 'expired' : 'failed';
        }
        this.#heard();
        this.#backoff.reset();
      }
    } catch (err) {
      // A line that can't be read would come again from the same version: start over from a list.
      this.#resourceVersion = isConnectionError(err) ? this.#resourceVersion : '';
      throw err;
    }
    return clock.bootTimeMs() - startMs >= SETTLED_MS ? 'ended' : 'failed';
  }

  /** @returns the Status when the event is an error */
  #apply({ type, object = {} }: WatchEvent): WireStatus | undefined {
    const meta = object.metadata ?? {};
    switch (type) {
      case 'ERROR':
        return object;
      case 'ADDED':
      case 'MODIFIED':
        this.#upsert(object);
        break;
      case 'DELETED': {
        const key = this.#options.keyOf(meta);
        if (key !== undefined) this.#remove(key);
        break;
      }
      default: // BOOKMARK, and what later versions may send: only the version counts
    }
    if (meta.resourceVersion) this.#resourceVersion = meta.resourceVersion;
    return undefined;
  }

  #upsert(object: WireObject, seen?: Set<string>): void {
    const { keyOf, project, onUpsert } = this.#options;
    const meta = object.metadata ?? {};
    const key = keyOf(meta);
    const record = key === undefined ? undefined : project(object);
    if (key === undefined || record === undefined) return;
    seen?.add(key);
    if (meta.resourceVersion !== undefined && this.#known.get(key) === meta.resourceVersion) return;
    this.#known.set(key, meta.resourceVersion ?? '');
    onUpsert(record);
  }

  #remove(key: string): void {
    if (this.#known.delete(key)) this.#options.onRemove(key);
  }

  #selection(): string {
    const { fieldSelector } = this.#options;
    return fieldSelector === undefined ? '' : `&fieldSelector=${encodeURIComponent(fieldSelector)}`;
  }

  #heard(): void {
    this.#lastSyncMs = this.#options.clock.bootTimeMs();
  }
}

/** Errors of sockets and aborts carry a code or a name of their own; a line that is no JSON or too long does not. */
function isConnectionError(err: unknown): boolean {
  return !(err instanceof SyntaxError) && !(err instanceof TooLong);
}

/** Of a Status; '' when a proxy wrote something else. */
function messageIn(body: Buffer): string {
  try {
    return (JSON.parse(body.toString()) as WireStatus).message ?? '';
  } catch {
    return '';
  }
}
