// Cgroups that were here before us, shown as pods: containers if there are any, else systemd services. Never written.
// Ids are those the agent reports (agent/cgroup/layout.ts); names are made up where the cgroup path tells none.
import type { FoundCgroup } from '../../../agent/cgroup/discovery.ts';
import type { NewObject } from '../api/objects.ts';
import { OBSERVED_ONLY } from '../api/objects.ts';
import type { ObjectStore } from '../api/object-store.ts';
import { secondsOf } from '../api/object-store.ts';

export interface ObservedPods {
  found(cgroup: FoundCgroup): void;
  gone(path: string): void;
}

export const OBSERVED_NAMESPACE = 'observed';
export const SYSTEM_NAMESPACE = 'system';

/** The standalone's own cgroups, and those of others like it. */
const STANDALONE = /^headroom-\d+(\/|$)/;

/** @param nodeName spec.nodeName of every pod here */
export function observePods(store: ObjectStore, nodeName: string): ObservedPods {
  const containers = new Map<string, FoundCgroup>();
  const services = new Map<string, FoundCgroup>();
  let shown = new Map<string, FoundCgroup>();
  const refresh = (): void => {
    const wanted = containers.size > 0 ? containers : services;
    if (wanted === shown) return;
    for (const cgroup of shown.values()) hide(store, cgroup);
    shown = wanted;
    for (const cgroup of wanted.values()) show(store, nodeName, cgroup);
  };
  return {
    found(cgroup) {
      if (cgroup.kind !== 'container' || STANDALONE.test(cgroup.path)) return;
      const shelf = isService(cgroup) ? services : containers;
      shelf.set(cgroup.path, cgroup);
      if (shelf === shown) show(store, nodeName, cgroup);
      else refresh();
    },
    gone(path) {
      for (const shelf of [containers, services]) {
        const cgroup = shelf.get(path);
        if (!cgroup) continue;
        shelf.delete(path);
        if (shelf === shown) hide(store, cgroup);
      }
      refresh();
    },
  };
}

function isService({ path }: FoundCgroup): boolean {
  return path.endsWith('.service');
}

/** A pod's containers share a name by uid; each container is a pod of one here, so that none has to wait for another. */
function podName(cgroup: FoundCgroup): {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
} {
  if (isService(cgroup)) {
    const unit = cgroup.path.slice(cgroup.path.lastIndexOf('/') + 1, -'.service'.length);
    const name = unit
      .toLowerCase()
      .replace(/[^a-z0-9.-]+/g, '-')
      .replace(/^[-.]+|[-.]+$/g, '');
    return {
      namespace: SYSTEM_NAMESPACE,
      name: name === '' ? `service-${cgroup.podUid.slice(0, 8)}` : name,
      container: 'main',
    };
  }
  return {
    namespace: OBSERVED_NAMESPACE,
    name: `pod-${cgroup.podUid.slice(0, 8)}`,
    container: `c-${cgroup.containerId.slice(0, 8)}`,
  };
}

function show(store: ObjectStore, nodeName: string, cgroup: FoundCgroup): void {
  const { namespace, name, container } = podName(cgroup);
  const known = store.get('pods', namespace, name);
  if (known && known.metadata.uid === cgroup.podUid) {
    store.update(
      'pods',
      namespace,
      name,
      (pod) => withContainer(pod as unknown as ObservedPod, container, cgroup) as never,
    );
    return;
  }
  // Two cgroups of one name (a service in two slices): the later one gets its uid behind it.
  const unique = known ? `${name}-${cgroup.podUid.slice(0, 8)}` : name;
  if (!store.get('namespaces', '', namespace))
    store.create('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
      status: { phase: 'Active' },
    });
  store.create('pods', withContainer(emptyPod(namespace, unique, nodeName, cgroup), container, cgroup));
}

function hide(store: ObjectStore, cgroup: FoundCgroup): void {
  const { namespace, name, container } = podName(cgroup);
  for (const candidate of [name, `${name}-${cgroup.podUid.slice(0, 8)}`]) {
    const pod = store.get('pods', namespace, candidate) as unknown as ObservedPod | undefined;
    if (pod?.metadata.uid !== cgroup.podUid) continue;
    const left = withoutContainer(pod, container);
    if (left.spec.containers.length === 0) store.remove('pods', namespace, candidate);
    else store.update('pods', namespace, candidate, () => left as never);
  }
}

interface Named {
  readonly name: string;
  readonly [field: string]: unknown;
}

interface ObservedPod extends NewObject {
  readonly spec: { readonly containers: readonly Named[]; readonly [field: string]: unknown };
  readonly status: {
    readonly containerStatuses: readonly Named[];
    readonly [field: string]: unknown;
  };
}

function emptyPod(namespace: string, name: string, nodeName: string, cgroup: FoundCgroup): ObservedPod {
  const startTime = secondsOf(cgroup.startWallMs);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      name,
      uid: cgroup.podUid,
      generation: 1,
      creationTimestamp: startTime,
      annotations: { [OBSERVED_ONLY]: 'true', 'headroom.dev/cgroup': cgroup.path },
    },
    spec: { nodeName, restartPolicy: 'Always', containers: [] },
    status: {
      phase: 'Running',
      qosClass: QOS[cgroup.qos],
      observedGeneration: 1,
      startTime,
      hostIP: '127.0.0.1',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: startTime }],
      containerStatuses: [],
    },
  };
}

const QOS = { guaranteed: 'Guaranteed', burstable: 'Burstable', besteffort: 'BestEffort', '': 'BestEffort' } as const;

/** Without status.resources: the API refuses to resize what is only observed. */
function withContainer(pod: ObservedPod, name: string, cgroup: FoundCgroup): ObservedPod {
  if (pod.spec.containers.some((container) => container.name === name)) return pod;
  const image = isService(cgroup) ? cgroup.path.slice(cgroup.path.lastIndexOf('/') + 1) : 'unknown';
  const status: Named = {
    name,
    image,
    imageID: '',
    containerID: `headroom://${cgroup.containerId}`,
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: secondsOf(cgroup.startWallMs) } },
    lastState: {},
  };
  return {
    ...pod,
    spec: { ...pod.spec, containers: [...pod.spec.containers, { name, image, resources: {} }] },
    status: { ...pod.status, containerStatuses: [...pod.status.containerStatuses, status] },
  };
}

function withoutContainer(pod: ObservedPod, name: string): ObservedPod {
  return {
    ...pod,
    spec: { ...pod.spec, containers: pod.spec.containers.filter((container) => container.name !== name) },
    status: { ...pod.status, containerStatuses: pod.status.containerStatuses.filter((status) => status.name !== name) },
  };
}
