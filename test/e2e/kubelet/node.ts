// One node of the harness: its Node object with its lease, its cgroup tree (of files, or on the running kernel) and its pods.
// Source: core/v1 NodeStatus, coordination/v1 Lease, KEP 5328 (declared features).
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../../agent/runtime/logger.ts';
import { openHierarchy } from '../../../agent/cgroup/hierarchy.ts';
import type { Container } from '../../../aggregator/standalone/api/objects.ts';
import { admitResize } from '../../../aggregator/standalone/kubelet/admit-resize.ts';
import type { CgroupWriter } from '../../../aggregator/standalone/kubelet/cgroup-writer.ts';
import { createCgroupWriter } from '../../../aggregator/standalone/kubelet/cgroup-writer.ts';
import type { Capacity } from '../../../aggregator/standalone/kubelet/node-object.ts';
import { nodeObject } from '../../../aggregator/standalone/kubelet/node-object.ts';
import type { LifeOptions, PodWorker } from '../../../aggregator/standalone/kubelet/pod-worker.ts';
import { createGeneratedCgroups } from '../cgroups/generated-cgroups.ts';
import type { GeneratedCgroups } from '../cgroups/generated-cgroups.ts';
import { makeGeneratedProc } from '../cgroups/generated-proc.ts';
import type { LoadRules } from '../cgroups/load-rules.ts';
import { ownCgroupRoot } from '../cgroups/own-root.ts';
import type { Kube } from '../kube.ts';
import { GeneratedContainer } from './generated-container.ts';
import type { ImageProgram } from './images.ts';
import { PodRun } from './pod-run.ts';
import { isSidecar } from '../../../aggregator/standalone/kubelet/pod-containers.ts';
import type { RunPod } from './wire.ts';

export interface NodeSpec {
  readonly name: string;
  /** `files`: containers are numbers; `kernel`: containers are processes in cgroups of the running kernel. */
  readonly cgroups: 'files' | 'kernel';
  readonly capacity?: Capacity;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface NodeOptions {
  readonly spec: NodeSpec;
  readonly address: string;
  readonly kube: Kube;
  readonly log: Logger;
  readonly folder: string;
  readonly logFolder: string;
  readonly hostsFile: string;
  readonly images: ReadonlyMap<string, ImageProgram>;
  readonly loads: LoadRules;
  /** Top cgroup of a node on the kernel. */
  readonly cgroupFolder: string;
  readonly nextPodAddress: () => string;
  readonly serviceEnvironment: Readonly<Record<string, string>>;
}

const MIB = 1024 * 1024;
const DEFAULT_CAPACITY: Capacity = { cpuMillis: 8000, memoryBytes: 16_384 * MIB };
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
const RETRY_MS = 3000;
/** An init container that is only numbers is over soon. */
const INIT_MS = 100;
/** What a kubelet 1.37 declares of the gates that are locked or on. */
const FEATURES = ['InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers'];

export class HarnessNode {
  readonly #options: NodeOptions;
  readonly #generated: GeneratedCgroups | undefined;
  readonly #writer: CgroupWriter;
  readonly #cgroupRoot: string;
  readonly #proc: { readonly folder: string; readonly names: readonly string[] } | undefined;
  readonly #runs = new Map<string, PodRun>();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: NodeOptions) {
    this.#options = options;
    const { spec, folder, cgroupFolder } = options;
    mkdirSync(folder, { recursive: true });
    if (spec.cgroups === 'files') {
      this.#generated = createGeneratedCgroups(join(folder, 'cgroup'));
      this.#writer = this.#generated;
      this.#cgroupRoot = this.#generated.root;
      const proc = join(folder, 'proc');
      this.#proc = { folder: proc, names: makeGeneratedProc(proc, this.capacity) };
    } else {
      const hierarchy = openHierarchy('/sys/fs/cgroup');
      this.#writer = createCgroupWriter(hierarchy, cgroupFolder);
      const made = this.#writer.make(`${cgroupFolder}/kubepods/burstable`);
      if (made.kind === 'refused') throw new Error(`no cgroups can be made for node ${spec.name}: ${made.cause}`);
      this.#cgroupRoot = ownCgroupRoot(hierarchy, cgroupFolder, join(folder, 'cgroup'));
    }
  }

  get name(): string {
    return this.#options.spec.name;
  }

  get capacity(): Capacity {
    return this.#options.spec.capacity ?? DEFAULT_CAPACITY;
  }

  get labels(): Readonly<Record<string, string>> {
    return { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': this.name, ...this.#options.spec.labels };
  }

  /** Where an agent of this node finds its cgroups. */
  get cgroupRoot(): string {
    return this.#cgroupRoot;
  }

  get runs(): readonly PodRun[] {
    return [...this.#runs.values()];
  }

  async register(): Promise<void> {
    const { kube, address, spec } = this.#options;
    const object = nodeObject(this.name, this.capacity, Date.now());
    const status = object.status as Readonly<Record<string, unknown>>;
    const metadata = { ...object.metadata, labels: { ...object.metadata.labels, ...this.labels } };
    await kube.json('POST', '/api/v1/nodes', { body: { ...object, metadata, status: undefined } });
    await kube.json('PATCH', `/api/v1/nodes/${this.name}/status`, {
      headers: { 'content-type': 'application/merge-patch+json' },
      body: {
        status: {
          ...status,
          addresses: [
            { type: 'InternalIP', address },
            { type: 'Hostname', address: this.name },
          ],
          declaredFeatures: FEATURES,
          nodeInfo: {
            ...(status['nodeInfo'] as object),
            kubeletVersion: 'v1.37.2',
            containerRuntimeVersion: `${spec.cgroups}://1`,
          },
        },
      },
    });
    await this.#renew();
    this.#timers.push(
      setInterval(() => void this.#renew().catch(() => undefined), RENEW_MS),
      setInterval(() => this.syncAll(), RETRY_MS),
    );
  }

  /** @param also of pods that were bound here a moment ago and are not known here yet */
  fits(wanted: readonly Container[], also: readonly (readonly Container[])[]): boolean {
    const others = [...this.runs.map((run) => run.allocated), ...also];
    return admitResize(wanted, others, this.#allocatable()).kind === 'fits';
  }

  moveCounters(): void {
    this.#generated?.move();
  }

  /** A pod bound here, new or changed. */
  take(pod: RunPod): void {
    const known = this.#runs.get(pod.metadata.uid);
    if (known) return known.update(pod);
    const over = ['Succeeded', 'Failed'].includes(pod.status.phase);
    if (pod.metadata.deletionTimestamp === undefined && over) return;
    const run = this.#newRun(pod);
    this.#runs.set(pod.metadata.uid, run);
    if (pod.metadata.deletionTimestamp !== undefined) void run.delete();
    else void run.start();
  }

  gone(uid: string): void {
    const run = this.#runs.get(uid);
    if (!run) return;
    this.#runs.delete(uid);
    // What waited for room may fit now.
    void run.stop().then(() => this.syncAll());
  }

  syncAll(): void {
    for (const run of this.#runs.values()) run.sync();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.runs.map((run) => run.stop()));
    this.#runs.clear();
    this.#generated?.close();
    const { log } = this.#options;
    const removed = this.#generated ? undefined : this.#writer.remove(this.#writer.folder);
    if (removed?.kind === 'refused') log.warn({ reason: removed.cause }, 'cgroup was not removed');
  }

  #newRun(pod: RunPod): PodRun {
    const { kube, log, address, folder, logFolder, hostsFile, images, nextPodAddress, serviceEnvironment } =
      this.#options;
    const podIP = pod.spec.hostNetwork === true ? address : nextPodAddress();
    return new PodRun({
      kube,
      log,
      pod,
      nodeName: this.name,
      place: { podIP, hostIP: address },
      writer: this.#writer,
      folder: join(folder, 'pods', pod.metadata.uid),
      logFolder,
      hostsFile,
      images,
      hostPath: (path) => this.#hostPath(path),
      proc: this.#proc,
      serviceEnvironment,
      admit: (worker, wanted) => this.#admit(worker, wanted, pod.metadata.uid),
      generated: (of, container, life) => this.#generatedContainer(of, container, life),
    });
  }

  #hostPath(path: string): string | undefined {
    if (path === '/sys/fs/cgroup') return this.#cgroupRoot;
    return undefined;
  }

  #admit(_worker: PodWorker, wanted: readonly Container[], uid: string): ReturnType<typeof admitResize> {
    const others = [...this.#runs].filter(([other]) => other !== uid).map(([, run]) => run.allocated);
    return admitResize(wanted, others, this.#allocatable());
  }

  #allocatable(): Readonly<Record<string, string>> {
    const { cpuMillis, memoryBytes } = this.capacity;
    return { cpu: `${cpuMillis}m`, memory: String(memoryBytes) };
  }

  #generatedContainer(pod: RunPod, spec: Container, life: LifeOptions): GeneratedContainer | undefined {
    const cgroups = this.#generated;
    if (!cgroups) throw new Error(`image ${spec.image} has no program here: node ${this.name} runs processes only`);
    const { loads } = this.#options;
    const { namespace = '', labels = {} } = pod.metadata;
    const loaded = { namespace, labels, container: spec.name };
    const isInit = (pod.spec.initContainers ?? []).includes(spec) && !isSidecar(spec);
    return new GeneratedContainer({
      life,
      cgroups,
      running: () => ({ load: () => loads.of(loaded), end: loads.running(loaded) }),
      ...(isInit ? { endsAfterMs: INIT_MS } : {}),
    });
  }

  async #renew(): Promise<void> {
    const { kube } = this.#options;
    const path = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const at = `${new Date().toISOString().slice(0, -1)}000Z`;
    const spec = { holderIdentity: this.name, leaseDurationSeconds: LEASE_SECONDS, renewTime: at };
    const headers = { 'content-type': 'application/merge-patch+json' };
    const renewed = await kube.call('PATCH', `${path}/${this.name}`, { body: { spec }, headers });
    if (renewed.status !== 404) return;
    const metadata = { name: this.name, namespace: 'kube-node-lease' };
    await kube.json('POST', path, { body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec } });
  }
}
