// core/v1 Pod → PodRecord: the fields that attribution, the metrics API and resizing need. Total: it never throws.
// Resize support of a node is `status.containerStatuses[].resources`, the API server's own test (KEP 1287).
import { arrayOf, objectOf, PRESENT, SHARED, WHOLE } from './json-shape.ts';
import { amountsOf } from './project-node.ts';
import type { ContainerRecord, PodRecord } from './records.ts';
import type { WireContainer, WireContainerStatus, WirePod, WireQuantities, WireResources } from './wire.ts';

const OWN_ANNOTATIONS = 'headroom.dev/';
const CONFIG_HASH = 'kubernetes.io/config.hash';
const CONFIG_MIRROR = 'kubernetes.io/config.mirror';
const RESIZE_CONDITIONS = ['PodResizePending', 'PodResizeInProgress'];

const CONTAINERS = arrayOf(objectOf({ name: SHARED, restartPolicy: SHARED, resources: SHARED, resizePolicy: SHARED }));
const STATUSES = arrayOf(
  objectOf({
    name: SHARED,
    containerID: WHOLE,
    state: objectOf({ running: PRESENT, waiting: objectOf({ reason: SHARED }) }),
    resources: PRESENT,
  }),
);

/** What projectPod reads. What many pods have in common is shared between their records. */
export const POD_SHAPE = objectOf({
  metadata: objectOf({
    uid: WHOLE,
    name: WHOLE,
    namespace: SHARED,
    resourceVersion: WHOLE,
    generation: WHOLE,
    deletionTimestamp: PRESENT,
    labels: SHARED,
    annotations: objectOf({ [CONFIG_HASH]: WHOLE, [CONFIG_MIRROR]: PRESENT }, OWN_ANNOTATIONS),
    ownerReferences: arrayOf(objectOf({ kind: SHARED })),
  }),
  spec: objectOf({
    nodeName: SHARED,
    os: SHARED,
    nodeSelector: SHARED,
    resources: SHARED,
    containers: CONTAINERS,
    initContainers: CONTAINERS,
  }),
  status: objectOf({
    phase: SHARED,
    qosClass: SHARED,
    observedGeneration: WHOLE,
    conditions: arrayOf(objectOf({ type: SHARED, status: SHARED, reason: SHARED, message: WHOLE })),
    containerStatuses: STATUSES,
    initContainerStatuses: STATUSES,
  }),
});

const NO_ANNOTATIONS: PodRecord['annotations'] = {};
const NO_CONDITIONS: PodRecord['resizeConditions'] & WireConditions = [];
/** All there are: a record has one of these. */
const RESTARTS = [false, true].map((cpu) => [false, true].map((memory) => ({ cpu, memory })));

type WireConditions = NonNullable<NonNullable<WirePod['status']>['conditions']>;

type Amounts = Pick<ContainerRecord, 'requests' | 'limits' | 'rawResources' | 'hasClaims'>;

/** Of resources that are one object for many containers (SHARED): worked out once. */
const amountsOfResources = new WeakMap<WireResources, Amounts>();
const NO_RESOURCES: WireResources = {};

/** undefined: the object has no uid or name and can't be a pod. */
export function projectPod(pod: WirePod): PodRecord | undefined {
  const meta = pod.metadata ?? {};
  const spec = pod.spec ?? {};
  const status = pod.status ?? {};
  if (!meta.uid || !meta.name) return undefined;
  const annotations = meta.annotations ?? NO_ANNOTATIONS;
  const record: PodRecord = {
    uid: meta.uid,
    namespace: meta.namespace ?? '',
    name: meta.name,
    nodeName: spec.nodeName ?? '',
    labels: meta.labels ?? {},
    annotations: ownAnnotations(annotations),
    phase: status.phase ?? '',
    ready: (status.conditions ?? NO_CONDITIONS).some((each) => each.type === 'Ready' && each.status === 'True'),
    qosClass: status.qosClass ?? '',
    terminating: Boolean(meta.deletionTimestamp),
    isMirror: annotations[CONFIG_MIRROR] !== undefined || isOwnedByNode(pod),
    isWindows: spec.os?.name === 'windows' || spec.nodeSelector?.['kubernetes.io/os'] === 'windows',
    hasPodLevelResources: Boolean(spec.resources?.requests ?? spec.resources?.limits),
    generation: meta.generation ?? 0,
    observedGeneration: status.observedGeneration ?? 0,
    resizeConditions: resizeConditions(status.conditions ?? NO_CONDITIONS),
    containers: projectContainers(pod),
  };
  const configHash = annotations[CONFIG_HASH];
  return configHash === undefined ? record : { ...record, configHash };
}

function ownAnnotations(annotations: PodRecord['annotations']): PodRecord['annotations'] {
  const own = Object.entries(annotations).filter(([key]) => key.startsWith(OWN_ANNOTATIONS));
  return own.length === 0 ? NO_ANNOTATIONS : Object.fromEntries(own);
}

function resizeConditions(conditions: WireConditions): PodRecord['resizeConditions'] {
  const found = conditions.filter(({ type }) => RESIZE_CONDITIONS.includes(type ?? ''));
  if (found.length === 0) return NO_CONDITIONS;
  return found.map(({ type = '', reason = '', message = '' }) => ({ type, reason, message }));
}

function isOwnedByNode(pod: WirePod): boolean {
  return (pod.metadata?.ownerReferences ?? []).some(({ kind }) => kind === 'Node');
}

function projectContainers({ spec, status }: WirePod): ContainerRecord[] {
  const statuses = status?.containerStatuses ?? [];
  const initStatuses = status?.initContainerStatuses ?? [];
  const containers = (spec?.containers ?? []).map((each) => projectContainer(each, 'container', statuses));
  for (const each of spec?.initContainers ?? [])
    containers.push(projectContainer(each, each.restartPolicy === 'Always' ? 'sidecar' : 'init', initStatuses));
  return containers;
}

function projectContainer(
  container: WireContainer,
  kind: ContainerRecord['kind'],
  statuses: readonly WireContainerStatus[],
): ContainerRecord {
  const status = statuses.find(({ name }) => name === container.name);
  const { requests, limits, rawResources, hasClaims } = amountsIn(container.resources ?? NO_RESOURCES);
  const id = status?.containerID ?? '';
  const waiting = status?.state?.waiting?.reason;
  const record: ContainerRecord = {
    name: container.name ?? '',
    containerId: idOf(id),
    running: Boolean(status?.state?.running),
    kind,
    requests,
    limits,
    rawResources,
    resizable: Boolean(status?.resources),
    restartOnResize: RESTARTS[Number(restartsOn(container, 'cpu'))]![Number(restartsOn(container, 'memory'))]!,
    hasClaims,
  };
  return waiting === undefined ? record : { ...record, waiting };
}

/** Without the runtime's prefix, and a text of its own: a slice would keep the whole text alive. */
function idOf(text: string): string {
  const from = text.lastIndexOf('/') + 1;
  return from === 0 ? text : Buffer.from(text, 'latin1').toString('latin1', from);
}

function amountsIn(resources: WireResources): Amounts {
  const known = amountsOfResources.get(resources);
  if (known) return known;
  const amounts = {
    requests: amountsOf(resources.requests),
    limits: amountsOf(resources.limits),
    rawResources: rawOf(resources),
    hasClaims: (resources.claims?.length ?? 0) > 0,
  };
  amountsOfResources.set(resources, amounts);
  return amounts;
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
