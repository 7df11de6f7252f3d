// core/v1 Pod → PodRecord: the fields that attribution, the metrics API and resizing need. Total: it never throws.
// Resize support of a node is `status.containerStatuses[].resources`, the API server's own test (KEP 1287).
import { amountsOf } from './project-node.ts';
import type { ContainerRecord, PodRecord } from './records.ts';
import type { WireContainer, WireContainerStatus, WirePod, WireQuantities, WireResources } from './wire.ts';

const OWN_ANNOTATIONS = 'headroom.dev/';
const RESIZE_CONDITIONS = ['PodResizePending', 'PodResizeInProgress'];

/** undefined: the object has no uid or name and can't be a pod. */
export function projectPod(pod: WirePod): PodRecord | undefined {
  const meta = pod.metadata ?? {};
  const spec = pod.spec ?? {};
  const status = pod.status ?? {};
  if (!meta.uid || !meta.name) return undefined;
  const annotations = meta.annotations ?? {};
  const configHash = annotations['kubernetes.io/config.hash'];
  return {
    uid: meta.uid,
    ...(configHash === undefined ? {} : { configHash }),
    namespace: meta.namespace ?? '',
    name: meta.name,
    nodeName: spec.nodeName ?? '',
    labels: meta.labels ?? {},
    annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith(OWN_ANNOTATIONS))),
    phase: status.phase ?? '',
    qosClass: status.qosClass ?? '',
    terminating: meta.deletionTimestamp !== undefined,
    isMirror: annotations['kubernetes.io/config.mirror'] !== undefined || isOwnedByNode(pod),
    isWindows: spec.os?.name === 'windows' || spec.nodeSelector?.['kubernetes.io/os'] === 'windows',
    hasPodLevelResources: Boolean(spec.resources?.requests ?? spec.resources?.limits),
    generation: meta.generation ?? 0,
    observedGeneration: status.observedGeneration ?? 0,
    resizeConditions: (status.conditions ?? [])
      .filter(({ type }) => RESIZE_CONDITIONS.includes(type ?? ''))
      .map(({ type = '', reason = '', message = '' }) => ({ type, reason, message })),
    containers: projectContainers(pod),
  };
}

function isOwnedByNode(pod: WirePod): boolean {
  return (pod.metadata?.ownerReferences ?? []).some(({ kind }) => kind === 'Node');
}

function projectContainers({ spec, status }: WirePod): ContainerRecord[] {
  const statuses = byName(status?.containerStatuses ?? []);
  const initStatuses = byName(status?.initContainerStatuses ?? []);
  return [
    ...(spec?.containers ?? []).map((each) => projectContainer(each, 'container', statuses.get(each.name))),
    ...(spec?.initContainers ?? []).map((each) =>
      projectContainer(each, each.restartPolicy === 'Always' ? 'sidecar' : 'init', initStatuses.get(each.name)),
    ),
  ];
}

function byName(statuses: readonly WireContainerStatus[]): Map<string | undefined, WireContainerStatus> {
  return new Map(statuses.map((status) => [status.name, status]));
}

function projectContainer(
  container: WireContainer,
  kind: ContainerRecord['kind'],
  status: WireContainerStatus | undefined,
): ContainerRecord {
  const resources = container.resources ?? {};
  const id = status?.containerID ?? '';
  return {
    name: container.name ?? '',
    containerId: id.slice(id.lastIndexOf('/') + 1),
    running: Boolean(status?.state?.running),
    kind,
    requests: amountsOf(resources.requests),
    limits: amountsOf(resources.limits),
    rawResources: rawOf(resources),
    resizable: Boolean(status?.resources),
    restartOnResize: { cpu: restartsOn(container, 'cpu'), memory: restartsOn(container, 'memory') },
    hasClaims: (resources.claims?.length ?? 0) > 0,
  };
}

function rawOf({ requests, limits }: WireResources): ContainerRecord['rawResources'] {
  return {
    ...(requests ? { requests: cpuAndMemory(requests) } : {}),
    ...(limits ? { limits: cpuAndMemory(limits) } : {}),
  };
}

function cpuAndMemory(list: WireQuantities): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['cpu', 'memory']) if (list[name] !== undefined) kept[name] = String(list[name]);
  return kept;
}

function restartsOn(container: WireContainer, resource: string): boolean {
  return (container.resizePolicy ?? []).some(
    ({ resourceName, restartPolicy }) => resourceName === resource && restartPolicy === 'RestartContainer',
  );
}
