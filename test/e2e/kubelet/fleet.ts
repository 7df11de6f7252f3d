// All nodes of the harness: one watch of all pods, each handed to its node; pods without a node are bound to one (no scheduler runs).
import { join } from 'node:path';
import type { Logger } from '../../../agent/runtime/logger.ts';
import { LoadRules } from '../cgroups/load-rules.ts';
import type { Kube, Watch } from '../kube.ts';
import type { ImageProgram } from './images.ts';
import type { NodeSpec } from './node.ts';
import { HarnessNode } from './node.ts';
import type { PodRun } from './pod-run.ts';
import type { ServiceNames } from './service-names.ts';
import { keepServiceNames } from './service-names.ts';
import type { RunPod } from './wire.ts';

export interface FleetOptions {
  readonly kube: Kube;
  readonly log: Logger;
  /** Made below it: nodes, pods, logs. */
  readonly folder: string;
  readonly images: ReadonlyMap<string, ImageProgram>;
  /** Number of the first top cgroup (`headroom-<number>`) of nodes on the kernel. */
  readonly firstCgroup: number;
  readonly serviceEnvironment: Readonly<Record<string, string>>;
}

const MOVE_MS = 50;
const POD_NETWORK = '10.128';
const NODE_NETWORK = '10.129';

export class Fleet {
  readonly loads = new LoadRules();
  readonly #options: FleetOptions;
  readonly #nodes = new Map<string, HarnessNode>();
  readonly #names: ServiceNames;
  readonly #pods: Watch;
  readonly #move: NodeJS.Timeout;
  /** Pods that no node fitted yet. */
  readonly #unbound = new Map<string, RunPod>();
  /** By uid, until the watch shows them bound. */
  readonly #bindings = new Map<string, { readonly pod: RunPod; readonly nodeName: string }>();
  #podNumber = 10;
  #nodeNumber = 10;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { kube, folder } = options;
    this.#names = keepServiceNames(kube, join(folder, 'hosts'));
    this.#pods = kube.watch<RunPod>('/api/v1/pods', {
      onObject: (pod) => this.#seen(pod),
      onGone: (pod) => {
        this.#unbound.delete(pod.metadata.uid);
        this.#bindings.delete(pod.metadata.uid);
        this.#nodes.get(pod.spec.nodeName ?? '')?.gone(pod.metadata.uid);
        this.#bindAll();
      },
    });
    this.#move = setInterval(() => {
      for (const node of this.#nodes.values()) node.moveCounters();
    }, MOVE_MS);
  }

  get logFolder(): string {
    return join(this.#options.folder, 'logs');
  }

  async addNode(spec: NodeSpec): Promise<HarnessNode> {
    const { kube, log, folder, images, firstCgroup, serviceEnvironment } = this.#options;
    const node = new HarnessNode({
      spec,
      address: addressOf(NODE_NETWORK, this.#nodeNumber++),
      kube,
      log,
      folder: join(folder, 'nodes', spec.name),
      logFolder: this.logFolder,
      hostsFile: this.#names.file,
      images,
      loads: this.loads,
      cgroupFolder: `headroom-${firstCgroup + this.#nodes.size}`,
      nextPodAddress: () => addressOf(POD_NETWORK, this.#podNumber++),
      serviceEnvironment,
    });
    this.#nodes.set(spec.name, node);
    await node.register();
    this.#bindAll();
    return node;
  }

  node(name: string): HarnessNode {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** The pods of a namespace whose name begins so, wherever they run. */
  runs(namespace: string, beginning: string): readonly PodRun[] {
    return [...this.#nodes.values()]
      .flatMap((node) => node.runs)
      .filter(({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name.startsWith(beginning));
  }

  /** Ends a node's pods and its lease, as if it had lost its power; its object stays. */
  async killNode(name: string): Promise<void> {
    await this.node(name).stop();
    this.#nodes.delete(name);
  }

  async stop(): Promise<void> {
    this.#pods.close();
    clearInterval(this.#move);
    this.#names.close();
    await Promise.all([...this.#nodes.values()].map((node) => node.stop()));
  }

  #bindAll(): void {
    for (const pod of this.#unbound.values()) this.#bindIfFits(pod);
  }

  #seen(pod: RunPod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (pod.spec.nodeName !== undefined) {
      this.#unbound.delete(uid);
      this.#bindings.delete(uid);
      this.#nodes.get(pod.spec.nodeName)?.take(pod);
      return;
    }
    if (deletionTimestamp !== undefined) return;
    this.#unbound.set(uid, pod);
    this.#bindIfFits(pod);
  }

  #bindIfFits(pod: RunPod): void {
    const node = this.#nodeFor(pod);
    if (node) void this.#bind(pod, node.name);
  }

  /** DaemonSet pods name their node; others go where the fewest pods are. */
  #nodeFor({ spec }: RunPod): HarnessNode | undefined {
    const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
    const named = terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name');
    if (named) return this.#nodes.get(named.values?.[0] ?? '');
    const wanted = Object.entries(spec.nodeSelector ?? {});
    const fitting = [...this.#nodes.values()].filter(
      (node) =>
        wanted.every(([label, value]) => node.labels[label] === value) &&
        node.fits(
          spec.containers,
          this.#coming(node).map((pod) => pod.spec.containers),
        ),
    );
    const load = (node: HarnessNode): number => node.runs.length + this.#coming(node).length;
    return fitting.toSorted((a, b) => load(a) - load(b))[0];
  }

  /** Bound a moment ago: the watch does not show them there yet. */
  #coming(node: HarnessNode): readonly RunPod[] {
    return [...this.#bindings.values()].filter(({ nodeName }) => nodeName === node.name).map(({ pod }) => pod);
  }

  async #bind(pod: RunPod, nodeName: string): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    if (this.#bindings.has(uid)) return;
    this.#bindings.set(uid, { pod, nodeName });
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    try {
      await this.#options.kube.json('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, { body });
    } catch (error) {
      this.#bindings.delete(uid);
      this.#options.log.warn({ reason: (error as Error).message }, 'binding refused');
    }
  }
}

function addressOf(network: string, number: number): string {
  return `${network}.${number >> 8}.${number & 255}`;
}
