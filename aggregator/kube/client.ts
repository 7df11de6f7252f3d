// The calls that Headroom makes on the API server: patch pods/resize (KEP 1287), read one pod, write an Event.
import { projectPod } from './project-pod.ts';
import type { KubeAnswer, KubeHttp } from './http.ts';
import type { PodRecord } from './records.ts';
import type { WireStatus } from './wire.ts';
import type { JsonPatchOp } from './json-patch.ts';

export interface PodKey {
  readonly namespace: string;
  readonly name: string;
}

/** `refused`: the server understood and said no (4xx). `error`: no answer, or one that says nothing of the request (5xx, 429). */
export type PatchAnswer =
  /** `readMs`: how long the pod took to be read after the server had said yes. */
  | { readonly kind: 'accepted'; readonly pod: PodRecord; readonly readMs: number }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly reason: string;
      readonly message: string;
      readonly causes: readonly { readonly reason: string; readonly message: string }[];
    }
  | { readonly kind: 'error'; readonly reason: string };

export type PodAnswer =
  | { readonly kind: 'found'; readonly pod: PodRecord }
  | { readonly kind: 'absent' }
  | { readonly kind: 'error'; readonly reason: string };

export type WriteAnswer =
  | { readonly kind: 'written' }
  /** `passing`: it may be taken another time. */
  | { readonly kind: 'error'; readonly reason: string; readonly passing: boolean };

export interface KubeClient {
  patchResize(pod: PodKey, ops: readonly JsonPatchOp[]): Promise<PatchAnswer>;
  getPod(pod: PodKey): Promise<PodAnswer>;
  /** One of that name that is there already counts as written. */
  createEvent(namespace: string, event: object): Promise<WriteAnswer>;
  /** A round trip on `connections` connections at once: keeps them open, so that a patch needs no handshake. */
  warm(connections: number): Promise<void>;
}

export function createKubeClient(http: Pick<KubeHttp, 'call'>): KubeClient {
  return {
    patchResize: async (pod, ops) => {
      const path = `${podPath(pod)}/resize`;
      return patchAnswer(
        await attempt(http.call({ method: 'PATCH', path, body: ops, contentType: 'application/json-patch+json' })),
      );
    },
    getPod: async (pod) => podAnswer(await attempt(http.call({ method: 'GET', path: podPath(pod) }))),
    createEvent: async (namespace, event) => {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
      const answer = await attempt(http.call({ method: 'POST', path, body: event }));
      if (typeof answer === 'string') return { kind: 'error', reason: answer, passing: true };
      if (answer.status < 300 || isThere(answer)) return { kind: 'written' };
      return { kind: 'error', reason: describe(answer), passing: saysNothing(answer) };
    },
    warm: async (connections) => {
      await Promise.all(
        Array.from({ length: connections }, () => attempt(http.call({ method: 'GET', path: '/version' }))),
      );
    },
  };
}

/** Of the request: the server is busy or ill, or does not know who asks. */
function saysNothing({ status }: KubeAnswer): boolean {
  return status === 401 || status === 429 || status >= 500;
}

/** Not every 409: a quota's conflict is none. */
function isThere({ status, body }: KubeAnswer): boolean {
  return status === 409 && ((body ?? {}) as WireStatus).reason === 'AlreadyExists';
}

function podPath({ namespace, name }: PodKey): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}

/** The answer, or why there is none. */
async function attempt(call: Promise<KubeAnswer>): Promise<KubeAnswer | string> {
  try {
    return await call;
  } catch (err) {
    const { name, message, cause } = err as Error;
    return cause instanceof Error ? `${name}: ${message}: ${cause.message}` : `${name}: ${message}`;
  }
}

function patchAnswer(answer: KubeAnswer | string): PatchAnswer {
  if (typeof answer === 'string') return { kind: 'error', reason: answer };
  if (answer.status < 300) {
    const pod = projectPod(answer.body ?? {});
    if (!pod) return { kind: 'error', reason: 'the answer to the patch is no pod' };
    const nowMs = performance.now();
    return { kind: 'accepted', pod, readMs: nowMs - (answer.answeredMs ?? nowMs) };
  }
  if (saysNothing(answer)) return { kind: 'error', reason: describe(answer) };
  const status = (answer.body ?? {}) as WireStatus;
  return {
    kind: 'refused',
    status: answer.status,
    reason: status.reason ?? '',
    message: status.message ?? describe(answer),
    causes: (status.details?.causes ?? []).map(({ reason = '', message = '' }) => ({ reason, message })),
  };
}

function podAnswer(answer: KubeAnswer | string): PodAnswer {
  if (typeof answer === 'string') return { kind: 'error', reason: answer };
  if (answer.status === 404) return { kind: 'absent' };
  const pod = answer.status < 300 ? projectPod(answer.body ?? {}) : undefined;
  return pod ? { kind: 'found', pod } : { kind: 'error', reason: describe(answer) };
}

function describe({ status, body }: KubeAnswer): string {
  const { message } = (body ?? {}) as WireStatus;
  return message === undefined ? `HTTP ${status}` : `HTTP ${status}: ${message}`;
}
