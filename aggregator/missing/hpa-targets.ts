// Whom an HPA scales: the label selector of its target's scale subresource (autoscaling/v1 Scale). Asked for only while the HPA
// shows <unknown>, one after another, a few a round, and kept for a while: the API server hardly notices.
import type { Clock } from '../../agent/runtime/clock.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import { parseLabelSelector } from '../api/label-selector.ts';
import type { KubeAnswer, KubeHttp } from '../kube/http.ts';
import type { PodRecord } from '../kube/records.ts';
import type { HpaRecord } from './hpa-record.ts';
import type { Selection } from './why-hpa.ts';

/** What was answered about one target. */
type Found =
  | { readonly kind: 'unknown'; readonly detail: string }
  | { readonly kind: 'no_target' }
  | { readonly kind: 'selector'; readonly text: string };

export interface HpaTargets {
  /** Looks up the targets of these HPAs that are not known or not known any more, as many as a round may. */
  refresh(hpas: readonly HpaRecord[], signal: AbortSignal): Promise<void>;
  select(hpa: HpaRecord, podsOf: (namespace: string) => Iterable<PodRecord>): Selection;
}

/** Collections of the kinds that scale in Kubernetes itself. Others would need their CRD's rights and discovery. */
const COLLECTIONS: ReadonlyMap<string, string> = new Map([
  ['Deployment', '/apis/apps/v1/namespaces/*/deployments'],
  ['StatefulSet', '/apis/apps/v1/namespaces/*/statefulsets'],
  ['ReplicaSet', '/apis/apps/v1/namespaces/*/replicasets'],
  ['ReplicationController', '/api/v1/namespaces/*/replicationcontrollers'],
]);

const FRESH_MS = 120_000;
const MAX_LOOKUPS_A_ROUND = 20;
const MAX_KEPT = 2000;
const NOT_YET: Found = { kind: 'unknown', detail: 'it has not been looked up yet' };

export function createHpaTargets(http: KubeHttp, clock: Clock, log: Logger): HpaTargets {
  const kept = new Map<string, { readonly found: Found; readonly atMs: number }>();
  let saidForbidden = false;

  async function lookUp(hpa: HpaRecord, path: string, signal: AbortSignal): Promise<Found> {
    try {
      const answer = await http.call({ method: 'GET', path, signal });
      if (answer.status === 403 && !saidForbidden) {
        saidForbidden = true;
        log.info({ path, status: 403 }, 'scale subresources not readable: HPAs are explained without their pods');
      }
      return foundIn(answer, hpa);
    } catch (err) {
      return { kind: 'unknown', detail: `the API server can't be asked: ${(err as Error).message}` };
    }
  }

  return {
    async refresh(hpas, signal) {
      const now = clock.bootTimeMs();
      let left = MAX_LOOKUPS_A_ROUND;
      for (const hpa of hpas) {
        const path = scalePath(hpa);
        const known = kept.get(keyOf(hpa));
        if (path === undefined || (known !== undefined && now - known.atMs < FRESH_MS)) continue;
        if (left-- === 0 || signal.aborted) return;
        kept.delete(keyOf(hpa));
        kept.set(keyOf(hpa), { found: await lookUp(hpa, path, signal), atMs: now });
        const [oldest] = kept.keys();
        if (kept.size > MAX_KEPT) kept.delete(oldest!);
      }
    },
    select(hpa, podsOf) {
      if (scalePath(hpa) === undefined) {
        return { kind: 'unknown', detail: `targets of kind ${hpa.target.kind} are not looked up` };
      }
      const found = kept.get(keyOf(hpa))?.found ?? NOT_YET;
      return found.kind === 'selector' ? selected(found.text, podsOf(hpa.namespace)) : found;
    },
  };
}

function keyOf({ namespace, target }: HpaRecord): string {
  return `${target.kind} ${namespace}/${target.name}`;
}

function scalePath({ namespace, target }: HpaRecord): string | undefined {
  const collection = COLLECTIONS.get(target.kind)?.replace('*', encodeURIComponent(namespace));
  return collection === undefined ? undefined : `${collection}/${encodeURIComponent(target.name)}/scale`;
}

function foundIn({ status, body }: KubeAnswer, { target }: HpaRecord): Found {
  if (status === 404) return { kind: 'no_target' };
  if (status === 403) {
    return { kind: 'unknown', detail: `no right to get the scale subresource of ${target.kind} ${target.name}` };
  }
  if (status !== 200) return { kind: 'unknown', detail: `the API server answered ${status}` };
  const { selector } = ((body ?? {}) as { readonly status?: { readonly selector?: string } }).status ?? {};
  return { kind: 'selector', text: selector ?? '' };
}

function selected(text: string, pods: Iterable<PodRecord>): Selection {
  if (text === '') return { kind: 'empty_selector' };
  const parsed = parseLabelSelector(text);
  if (parsed.kind === 'malformed') return { kind: 'unknown', detail: `selector ${text}: ${parsed.reason}` };
  const matching = [...pods].filter(({ labels }) => parsed.matches?.(labels) ?? true);
  return { kind: 'selected', selector: text, pods: matching };
}
