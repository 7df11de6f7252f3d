// Which precondition an HPA's resource metric lacks, in the order in which its controller trips over them
// (pkg/controller/podautoscaler: replica_calculator and metrics client). Pure.
import type { PodRecord, ResourceAmounts } from '../kube/records.ts';
import type { HpaMetric, HpaRecord } from './hpa-record.ts';
import type { HpaWhy, PodWhy } from './why.ts';

/** What a projection may tell of the pod's condition Ready; undefined: not known. */
type Readiness = { readonly ready?: boolean };

/** The pods that the HPA's target selects, as far as that could be found out. */
export type Selection =
  | { readonly kind: 'unknown'; readonly detail: string }
  | { readonly kind: 'no_target' }
  | { readonly kind: 'empty_selector' }
  | { readonly kind: 'selected'; readonly selector: string; readonly pods: readonly PodRecord[] };

/** @param gapOf why a pod has no metrics; undefined: it has @returns nothing for an HPA that shows no <unknown> */
export function whyHpa(
  hpa: HpaRecord,
  selection: Selection,
  gapOf: (pod: PodRecord) => PodWhy | undefined,
): readonly HpaWhy[] {
  if (hpa.unknown.length === 0) return [];
  switch (selection.kind) {
    case 'unknown':
      return [{ reason: 'selector_unknown', detail: selection.detail }, ...complaint(hpa)];
    case 'no_target':
      return [{ reason: 'target_not_found' }];
    case 'empty_selector':
      return [{ reason: 'selector_empty' }];
    case 'selected':
  }
  const pods = selection.pods.filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed');
  if (pods.length === 0) return [{ reason: 'selector_matches_nothing', selector: selection.selector }];
  const lacking = [...hpa.unknown.flatMap((metric) => whySpec(metric, pods)), ...whyMetrics(pods, gapOf)];
  if (lacking.length > 0) return lacking;
  return [{ reason: 'controller', message: hpa.complaint }];
}

function complaint({ complaint: message }: HpaRecord): readonly HpaWhy[] {
  return message === '' ? [] : [{ reason: 'controller', message }];
}

/** The first container that the metric can't be computed for. */
function whySpec({ resource, container: wanted, isUtilization }: HpaMetric, pods: readonly PodRecord[]): HpaWhy[] {
  for (const { name: pod, containers, hasPodLevelResources } of pods) {
    // Sidecars count with the containers; init containers that end do not.
    const counted = containers.filter(({ kind, name }) => kind !== 'init' && (wanted === '' || name === wanted));
    if (wanted !== '' && counted.length === 0) return [{ reason: 'container_absent', pod, container: wanted }];
    if (!isUtilization || (hasPodLevelResources === true && wanted === '')) continue;
    const bare = counted.find(({ requests }) => requestOf(requests, resource) === undefined);
    if (bare !== undefined) return [{ reason: 'request_missing', resource, pod, container: bare.name }];
  }
  return [];
}

function requestOf({ cpuMillis, memoryBytes }: ResourceAmounts, resource: string): number | undefined {
  return resource === 'cpu' ? cpuMillis : resource === 'memory' ? memoryBytes : undefined;
}

/** One ready pod with metrics is enough for a value. */
function whyMetrics(pods: readonly PodRecord[], gapOf: (pod: PodRecord) => PodWhy | undefined): HpaWhy[] {
  const running = pods.filter(({ phase, terminating }) => phase === 'Running' && !terminating);
  if (running.length === 0) return [{ reason: 'pods_not_ready', count: pods.length }];
  let missing: HpaWhy | undefined;
  let unready = 0;
  for (const pod of running) {
    const because = gapOf(pod);
    if (because !== undefined) missing ??= { reason: 'metrics_missing', count: running.length, pod: pod.name, because };
    else if ((pod as Readiness).ready === false) unready++;
    else return [];
  }
  return [...(missing === undefined ? [] : [missing]), ...(unready > 0 ? [notReady(pods)] : [])];
}

function notReady(pods: readonly PodRecord[]): HpaWhy {
  return { reason: 'pods_not_ready', count: pods.length };
}
