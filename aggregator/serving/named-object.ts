// One object of the Kubernetes API by its name: read, merge-patched on the version that was read, created. Every answer is a value.
import type { KubeAnswer, KubeHttp } from '../kube/http.ts';

/** As much of an object as is looked at here. */
export interface WireObject {
  readonly metadata?: { readonly resourceVersion?: string; readonly creationTimestamp?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** `message` and `reason` are the API server's or the connection's words. */
export type Refusal =
  { readonly kind: 'forbidden'; readonly message: string } | { readonly kind: 'failed'; readonly reason: string };

export type ReadAnswer =
  { readonly kind: 'found'; readonly object: WireObject } | { readonly kind: 'absent' } | Refusal;

/** `conflict`: somebody else wrote it first, or made it first. */
export type WriteAnswer =
  { readonly kind: 'written' } | { readonly kind: 'conflict' } | { readonly kind: 'absent' } | Refusal;

export interface NamedObjects {
  read(path: string): Promise<ReadAnswer>;
  /** @param version the object's when it was read; a later one is a conflict */
  patch(path: string, version: string | undefined, changes: object): Promise<WriteAnswer>;
  create(collection: string, object: object): Promise<WriteAnswer>;
}

export function namedObjects(http: Pick<KubeHttp, 'call'>): NamedObjects {
  return {
    read: async (path) => {
      const answer = await attempt(() => http.call({ method: 'GET', path }));
      if (answer.kind !== 'answer') return answer;
      if (answer.status === 404) return { kind: 'absent' };
      return answer.status < 300 && answer.body !== undefined
        ? { kind: 'found', object: answer.body as WireObject }
        : refusal(answer);
    },
    patch: async (path, resourceVersion, changes) => {
      const body = { metadata: { resourceVersion }, ...changes };
      return written(
        await attempt(() => http.call({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' })),
      );
    },
    create: async (collection, object) =>
      written(await attempt(() => http.call({ method: 'POST', path: collection, body: object }))),
  };
}

type Attempt = (KubeAnswer & { readonly kind: 'answer' }) | { readonly kind: 'failed'; readonly reason: string };

async function attempt(call: () => Promise<KubeAnswer>): Promise<Attempt> {
  try {
    return { kind: 'answer', ...(await call()) };
  } catch (err) {
    const { message, cause } = err as Error;
    return { kind: 'failed', reason: cause instanceof Error ? `${message}: ${cause.message}` : message };
  }
}

function written(answer: Attempt): WriteAnswer {
  if (answer.kind !== 'answer') return answer;
  if (answer.status < 300) return { kind: 'written' };
  if (answer.status === 409) return { kind: 'conflict' };
  return answer.status === 404 ? { kind: 'absent' } : refusal(answer);
}

function refusal({ status, body }: KubeAnswer): Refusal {
  const { message = '' } = (body ?? {}) as { readonly message?: string };
  if (status === 403) return { kind: 'forbidden', message };
  return { kind: 'failed', reason: message === '' ? `HTTP ${status}` : `HTTP ${status}: ${message}` };
}
