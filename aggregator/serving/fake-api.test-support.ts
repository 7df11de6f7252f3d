// As much of an API server as the serving certificate needs: objects with versions, merge patches, creation, refusals by path.
import type { KubeAnswer, KubeCall } from '../kube/http.ts';

interface StoredObject {
  metadata: { name: string; resourceVersion: string };
  data?: Record<string, string>;
  spec?: Record<string, unknown>;
}

export class FakeApi {
  readonly objects = new Map<string, StoredObject>();
  /** "PATCH /path", in order. */
  readonly seen: string[] = [];
  /** What is refused: method and path as in `seen`, or a method alone. */
  readonly refusals = new Map<string, number>();
  /** Runs once before the next write takes effect. */
  beforeWrite: (() => void) | undefined;
  /** Runs before each call; throwing is a broken connection. */
  onCall: (() => void) | undefined;
  /** The server's clock, Unix ms; undefined: it does not tell. */
  timeMs: number | undefined;
  #version = 100;

  put(path: string, fields: Pick<StoredObject, 'data' | 'spec'>): void {
    const metadata = { name: path.slice(path.lastIndexOf('/') + 1), resourceVersion: `${++this.#version}` };
    this.objects.set(path, { metadata, ...structuredClone(fields) });
  }

  call = ({ method, path, body }: KubeCall): Promise<KubeAnswer> => {
    this.seen.push(`${method} ${path}`);
    this.onCall?.();
    const refused = this.refusals.get(`${method} ${path}`) ?? this.refusals.get(method);
    if (refused !== undefined) return answer(refused, { kind: 'Status', message: 'cannot do this' });
    if (path.endsWith('/selfsubjectreviews')) return this.#review();
    if (method === 'GET') return this.#get(path);
    const interfere = this.beforeWrite;
    this.beforeWrite = undefined;
    interfere?.();
    const sent = structuredClone(body) as Partial<StoredObject>;
    return method === 'POST' ? this.#create(path, sent) : this.#patch(path, sent);
  };

  #review(): Promise<KubeAnswer> {
    const creationTimestamp = this.timeMs === undefined ? null : new Date(this.timeMs).toISOString();
    return answer(201, { metadata: { creationTimestamp } });
  }

  #get(path: string): Promise<KubeAnswer> {
    const found = this.objects.get(path);
    return found ? answer(200, structuredClone(found)) : answer(404, { message: 'not found' });
  }

  #create(collection: string, sent: Partial<StoredObject>): Promise<KubeAnswer> {
    const path = `${collection}/${sent.metadata?.name}`;
    if (this.objects.has(path)) return answer(409, { message: 'already exists' });
    this.put(path, sent);
    return answer(201, {});
  }

  #patch(path: string, sent: Partial<StoredObject>): Promise<KubeAnswer> {
    const found = this.objects.get(path);
    if (!found) return answer(404, { message: 'not found' });
    const version = sent.metadata?.resourceVersion;
    if (version !== undefined && version !== found.metadata.resourceVersion)
      return answer(409, { message: 'the object has been modified' });
    this.put(path, {
      ...(sent.data || found.data ? { data: merged(found.data ?? {}, sent.data ?? {}) } : {}),
      ...(sent.spec || found.spec ? { spec: merged(found.spec ?? {}, sent.spec ?? {}) } : {}),
    });
    return answer(200, {});
  }
}

function merged<T>(into: Record<string, T>, changes: Record<string, T | null>): Record<string, T> {
  return Object.fromEntries(
    Object.entries({ ...into, ...changes }).filter((entry): entry is [string, T] => entry[1] !== null),
  );
}

function answer(status: number, body: unknown): Promise<KubeAnswer> {
  return Promise.resolve({ status, retryAfterSeconds: 0, body });
}
