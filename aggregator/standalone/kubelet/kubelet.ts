// Plays the kubelet of a cluster of one: this machine is the node; pods of our own run as processes in cgroups of their own,
// everything else that runs here is shown and never touched.
import { Discovery } from '../../../agent/cgroup/discovery.ts';
import type { Hierarchy } from '../../../agent/cgroup/hierarchy.ts';
import type { Logger } from '../../../agent/runtime/logger.ts';
import type { Node, Pod, PodSpec } from '../api/objects.ts';
import type { ObjectStore } from '../api/object-store.ts';
import { qosClassOf } from '../api/pod-resources.ts';
import { admitResize } from './admit-resize.ts';
import type { CgroupWriter } from './cgroup-writer.ts';
import type { Backoff, Program } from './container-process.ts';
import type { Capacity } from './node-object.ts';
import { nodeObject } from './node-object.ts';
import { observePods } from './observed-pods.ts';
import { storeRecords } from './pod-records.ts';
import { PodWorker } from './pod-worker.ts';

export interface KubeletOptions {
  readonly log: Logger;
  readonly wallTimeMs: () => number;
  readonly store: ObjectStore;
  readonly nodeName: string;
  readonly capacity: Capacity;
  readonly writer: CgroupWriter;
  /** Whose cgroups are shown as observed pods; undefined: none. */
  readonly observe?: Hierarchy;
  readonly backoff?: Backoff;
}

export interface OwnPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: PodSpec['containers'];
  readonly programs: ReadonlyMap<string, Program>;
}

export interface Kubelet {
  /** Why no cgroups can be made here; undefined where they can. */
  readonly noRights: string | undefined;
  /** Makes the pod in the API and runs it; deleting it there ends it. */
  run(pod: OwnPod): void;
  /** Ends all own pods and removes their cgroups. */
  stop(): Promise<void>;
}

/** How often what could not be done is tried again. */
const RETRY_MS = 3000;

export function createKubelet(options: KubeletOptions): Kubelet {
  const { store, nodeName, writer, wallTimeMs, log } = options;
  const workers = new Map<string, PodWorker>();
  store.create('nodes', nodeObject(nodeName, options.capacity, wallTimeMs()));
  const made = writer.make(`${writer.folder}/kubepods/burstable`);
  const noRights = made.kind === 'refused' ? made.cause : undefined;
  const discovery = options.observe && observe(store, nodeName, options.observe, log);

  const syncAll = (): void => workers.forEach((worker) => worker.sync());
  const changes = store.subscribe('pods', store.version, (change) => {
    const worker = workers.get(change.object.metadata.uid);
    if (change.kind === 'modified' && change.previous.metadata.generation !== change.object.metadata.generation) {
      // Not in the writer's turn: the answer to a patch must not wait for the kernel.
      setImmediate(() => worker?.sync());
    }
    if (change.kind === 'deleted' && worker) {
      workers.delete(change.object.metadata.uid);
      worker.stop().then(syncAll, (err: unknown) => log.error({ err }, 'pod did not end cleanly'));
    }
  });
  const retry = setInterval(syncAll, RETRY_MS);

  const admit: PodWorkerAdmit = (worker, wanted) => {
    const node = store.get('nodes', '', nodeName) as Node | undefined;
    const others = [...workers.values()].filter((other) => other !== worker).map(({ allocated }) => allocated);
    return admitResize(wanted, others, node?.status.allocatable ?? {});
  };
  return {
    noRights,
    run(own) {
      const pod = createPod(store, nodeName, own);
      const { programs } = own;
      const { backoff } = options;
      const worker = new PodWorker({
        log,
        wallTimeMs,
        records: storeRecords(store, nodeName, pod, wallTimeMs),
        writer,
        noRights,
        pod,
        programs,
        admit,
        ...(backoff ? { backoff } : {}),
      });
      workers.set(pod.metadata.uid, worker);
      worker.start();
    },
    async stop() {
      clearInterval(retry);
      discovery?.stop();
      if (changes.kind === 'open') changes.close();
      await Promise.all([...workers.values()].map((worker) => worker.stop()));
      workers.clear();
      const removed = noRights === undefined ? writer.remove(writer.folder) : undefined;
      if (removed?.kind === 'refused') log.warn({ reason: removed.cause }, 'cgroup was not removed');
    },
  };
}

type PodWorkerAdmit = ConstructorParameters<typeof PodWorker>[0]['admit'];

function observe(store: ObjectStore, nodeName: string, hierarchy: Hierarchy, log: Logger): Discovery {
  const observed = observePods(store, nodeName);
  const discovery = new Discovery({
    hierarchy,
    services: true,
    log,
    onFound: (cgroup) => observed.found(cgroup),
    onGone: (path) => observed.gone(path),
  });
  discovery.start();
  return discovery;
}

function createPod(store: ObjectStore, nodeName: string, own: OwnPod): Pod {
  const { namespace, name, labels, annotations, containers } = own;
  if (!store.get('namespaces', '', namespace)) {
    store.create('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
      status: { phase: 'Active' },
    });
  }
  const spec: PodSpec = { nodeName, restartPolicy: 'Always', containers };
  const created = store.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels, annotations, generation: 1 },
    spec,
    status: { phase: 'Pending', qosClass: qosClassOf(spec) },
  });
  if (!created) throw new Error(`pod ${namespace}/${name} exists already`);
  return created as Pod;
}
