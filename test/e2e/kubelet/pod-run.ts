// A pod on a node of the harness, from its binding to its end: what it needs is fetched, its containers run, its deletion is confirmed.
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '../../../agent/runtime/logger.ts';
import type { Container } from '../../../aggregator/standalone/api/objects.ts';
import type { Admission } from '../../../aggregator/standalone/kubelet/admit-resize.ts';
import type { CgroupWriter } from '../../../aggregator/standalone/kubelet/cgroup-writer.ts';
import type { ContainerLife, Program } from '../../../aggregator/standalone/kubelet/container-process.ts';
import type { LifeOptions } from '../../../aggregator/standalone/kubelet/pod-worker.ts';
import { PodWorker } from '../../../aggregator/standalone/kubelet/pod-worker.ts';
import type { Kube } from '../kube.ts';
import type { ApiRecords } from './api-records.ts';
import { apiRecords } from './api-records.ts';
import type { Bind } from './container-root.ts';
import { containerRoot } from './container-root.ts';
import type { ImageProgram } from './images.ts';
import { imageName } from './images.ts';
import type { PodPlace } from './pod-fields.ts';
import { expand } from './pod-fields.ts';
import { NotYet, PodMaterial } from './pod-material.ts';
import type { Sandbox } from './sandbox.ts';
import { makeSandbox } from './sandbox.ts';
import type { RunContainer, RunPod } from './wire.ts';

export interface PodRunOptions {
  readonly kube: Kube;
  readonly log: Logger;
  readonly pod: RunPod;
  readonly nodeName: string;
  readonly place: PodPlace;
  readonly writer: CgroupWriter;
  /** Made, and removed at the end. */
  readonly folder: string;
  /** Each container's output, kept. */
  readonly logFolder: string;
  readonly hostsFile: string;
  readonly images: ReadonlyMap<string, ImageProgram>;
  readonly hostPath: (path: string) => string | undefined;
  readonly proc: { readonly folder: string; readonly names: readonly string[] } | undefined;
  readonly serviceEnvironment: Readonly<Record<string, string>>;
  readonly admit: (worker: PodWorker, wanted: readonly Container[]) => Admission;
  /** A container whose image has no program here. */
  readonly generated: (pod: RunPod, spec: Container, life: LifeOptions) => ContainerLife | undefined;
}

const RETRY_MS = 300;
const REFRESH_MS = 2000;

export class PodRun {
  readonly #options: PodRunOptions;
  readonly #records: ApiRecords;
  readonly #material: PodMaterial;
  readonly #lives = new Map<string, ContainerLife>();
  readonly #started = new Map<string, number>();
  readonly #pids = new Map<string, number>();
  #sandbox: Promise<Sandbox> | undefined;
  #worker: PodWorker | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: PodRunOptions) {
    this.#options = options;
    const { kube, pod, nodeName, place, folder, hostPath, log } = options;
    this.#records = apiRecords(kube, pod, nodeName, (reason) => log.warn({ reason }, 'write refused'));
    this.#material = new PodMaterial({ kube, pod, place, folder, hostPath });
  }

  get pod(): RunPod {
    return this.#options.pod;
  }

  get allocated(): readonly Container[] {
    return this.#worker?.allocated ?? this.#options.pod.spec.containers;
  }

  /** The life of a container, for tests that end it. */
  life(container: string): ContainerLife | undefined {
    return this.#lives.get(container);
  }

  /** `performance.now()` of a container's first start here. */
  startedAtMs(container: string): number | undefined {
    return this.#started.get(container);
  }

  /** Sends a signal to a container's program, behind the kubelet's back. */
  signal(container: string, signal: NodeJS.Signals): void {
    const pid = this.#pids.get(container);
    if (pid === undefined) throw new Error(`container ${container} does not run`);
    process.kill(pid, signal);
  }

  async start(): Promise<void> {
    const { log, pod } = this.#options;
    let told = '';
    while (!this.#ending) {
      try {
        const programs = await this.#programs();
        if (!this.#ending) this.#begin(programs);
        return;
      } catch (error) {
        const { message } = error as Error;
        if (message !== told) {
          told = message;
          const reason = error instanceof NotYet ? 'FailedMount' : 'FailedCreatePodSandBox';
          this.#records.event({ type: 'Warning', reason, message });
          log.info({ pod: `${pod.metadata.namespace}/${pod.metadata.name}`, reason: message }, 'pod waits');
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  update(pod: RunPod): void {
    this.#records.seen(pod);
    if (pod.metadata.deletionTimestamp !== undefined) void this.delete();
    else this.#worker?.sync();
  }

  sync(): void {
    this.#worker?.sync();
  }

  /** Ends the containers and tells the API that the pod is gone. */
  async delete(): Promise<void> {
    await this.stop();
    const { namespace, name, uid } = this.#options.pod.metadata;
    await this.#options.kube
      .call('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, {
        body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } },
      })
      .catch((error: Error) => this.#options.log.warn({ reason: error.message }, 'deletion not confirmed'));
  }

  /** Ends the containers only, as a node that dies does. */
  stop(): Promise<void> {
    this.#ending ??= this.#stop();
    return this.#ending;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#refresh);
    await this.#worker?.stop();
    this.#records.seen(undefined);
    await this.#records.settled();
    await this.#removeSandbox();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  async #removeSandbox(): Promise<void> {
    try {
      await (await this.#sandbox)?.remove();
    } catch (error) {
      this.#options.log.warn({ reason: (error as Error).message }, 'sandbox was not removed');
    }
  }

  /** What enters the pod's network, made when its first program is about to start. */
  async #network(): Promise<readonly string[]> {
    const { pod, place, folder } = this.#options;
    if (pod.spec.hostNetwork === true) return [];
    mkdirSync(folder, { recursive: true });
    this.#sandbox ??= makeSandbox(folder, place.podIP, place.hostIP);
    return (await this.#sandbox).prefix;
  }

  #begin(programs: ReadonlyMap<string, Program>): void {
    const { log, writer, pod, admit, generated, place } = this.#options;
    const current = this.#records.current();
    if (!current) return;
    this.#worker = new PodWorker({
      log,
      wallTimeMs: Date.now,
      records: this.#records,
      writer,
      noRights: undefined,
      pod: current,
      programs,
      admit,
      addresses: { hostIP: place.hostIP, podIP: place.podIP },
      createLife: (spec, life) => {
        const made = programs.has(spec.name) ? undefined : generated(pod, spec, life);
        if (made) this.#lives.set(spec.name, made);
        return made;
      },
    });
    this.#worker.start();
    // A resize may have come between the binding and now.
    this.#worker.sync();
    if ((pod.spec.volumes ?? []).some((volume) => !volume.emptyDir && !volume.hostPath)) {
      this.#refresh = setInterval(() => {
        this.#material.volumes().catch((error: Error) => log.info({ reason: error.message }, 'volumes not refreshed'));
      }, REFRESH_MS);
    }
  }

  async #programs(): Promise<ReadonlyMap<string, Program>> {
    const { pod, images } = this.#options;
    const volumes = await this.#material.volumes();
    const programs = new Map<string, Program>();
    for (const spec of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const image = images.get(imageName(spec.image));
      if (image) programs.set(spec.name, await this.#program(spec, image, volumes));
    }
    return programs;
  }

  async #program(spec: RunContainer, image: ImageProgram, volumes: ReadonlyMap<string, string>): Promise<Program> {
    const { pod, folder, hostsFile, proc, serviceEnvironment, logFolder } = this.#options;
    if (spec.command) throw new Error(`container ${spec.name} has a command of its own: its image's is what runs here`);
    const variables = await this.#material.environment(spec.env);
    const environment = { ...serviceEnvironment, ...variables };
    const args = (spec.args ?? []).map((argument) => expand(argument, environment));
    const security = { ...pod.spec.securityContext, ...spec.securityContext };
    const network = await this.#network();
    const root = containerRoot({
      folder: join(folder, 'containers', spec.name),
      binds: [...programBinds(image), ...mountsOf(spec, volumes)],
      proc,
      hostsFile,
      user:
        security.runAsUser === undefined
          ? undefined
          : `${security.runAsUser}:${security.runAsGroup ?? security.runAsUser}`,
      readOnlyRoot: security.readOnlyRootFilesystem === true,
    });
    const { namespace, name } = pod.metadata;
    const logFile = join(logFolder, `${namespace}_${name}_${spec.name}.log`);
    mkdirSync(dirname(logFile), { recursive: true });
    return {
      script: image.script,
      args: () => args,
      prefix: [...network, ...root],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOSTNAME: name, ...environment },
      onLine: (line) => appendFileSync(logFile, `${line}\n`),
      onStarted: (pid) => {
        this.#pids.set(spec.name, pid);
        if (!this.#started.has(spec.name)) this.#started.set(spec.name, performance.now());
      },
      onEnded: () => void this.#pids.delete(spec.name),
    };
  }
}

/** What an image brings: Node and the program with what it imports. */
function programBinds({ folders }: ImageProgram): readonly Bind[] {
  const node = process.execPath.startsWith('/usr/') ? [] : [process.execPath];
  return [...folders, ...node].map((path) => ({ from: path, to: path, readOnly: true }));
}

function mountsOf({ name, volumeMounts = [] }: RunContainer, volumes: ReadonlyMap<string, string>): readonly Bind[] {
  return volumeMounts.map(({ name: volume, mountPath, readOnly = false, subPath = '' }) => {
    const from = volumes.get(volume);
    if (from === undefined) throw new Error(`container ${name} mounts a volume ${volume} that the pod has not`);
    return { from: join(from, subPath), to: mountPath, readOnly };
  });
}
