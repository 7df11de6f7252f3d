// One pod of our own, as a kubelet's pod worker keeps it: its containers, its cgroup, its resize from spec to kernel to status.
// The four states of KEP 1287: desired (spec) → allocated → actuated (told to the kernel) → actual (status.resources).
import type { Logger } from '../../../agent/runtime/logger.ts';
import type { Container, Pod } from '../api/objects.ts';
import { amountOf, COMPUTE_RESOURCES, qosClassOf, sameAmounts } from '../api/pod-resources.ts';
import type { Admission } from './admit-resize.ts';
import type { CgroupWriter } from './cgroup-writer.ts';
import type { Backoff, ContainerLife, ContainerProcessOptions, Program } from './container-process.ts';
import { ContainerProcess } from './container-process.ts';
import type { PodEvent } from './events.ts';
import { isSidecar, PodContainers } from './pod-containers.ts';
import type { LifeHooks } from './pod-containers.ts';
import type { PodRecords } from './pod-records.ts';
import type { ContainerOutlook, ContainerView, PodAddresses, ResizeCondition } from './pod-status.ts';
import { podStatus } from './pod-status.ts';
import type { NamedResources } from './resize-steps.ts';
import { resizeSteps } from './resize-steps.ts';
import { shrinkRefusal } from './shrink-guard.ts';

export interface PodWorkerOptions {
  readonly log: Logger;
  readonly wallTimeMs: () => number;
  readonly records: PodRecords;
  readonly writer: CgroupWriter;
  /** Why no cgroup can be made; undefined where they can. */
  readonly noRights: string | undefined;
  readonly pod: Pod;
  /** By container name; a container without one needs `createLife`. */
  readonly programs: ReadonlyMap<string, Program>;
  readonly admit: (worker: PodWorker, wanted: readonly Container[]) => Admission;
  readonly backoff?: Backoff;
  /** Unset: those of a pod that shares this machine's. */
  readonly addresses?: PodAddresses;
  /** Instead of a process: what only moves numbers. undefined for a container: a process all the same. */
  readonly createLife?: (spec: Container, options: LifeOptions) => ContainerLife | undefined;
}

/** What a container's life needs beside its program. */
export type LifeOptions = Omit<ContainerProcessOptions, 'program'>;

const THIS_MACHINE: PodAddresses = { hostIP: '127.0.0.1', podIP: undefined };

/** The cgroupfs driver's layout. */
const QOS_FOLDERS = {
  Guaranteed: 'kubepods',
  Burstable: 'kubepods/burstable',
  BestEffort: 'kubepods/besteffort',
} as const;

export class PodWorker {
  readonly #options: PodWorkerOptions;
  readonly #containers: PodContainers;
  readonly #cgroup: string;
  readonly #addresses: PodAddresses;
  #allocated: readonly Container[];
  #actuated: readonly NamedResources[];
  #pending: ResizeCondition | undefined;
  #inProgress: ResizeCondition | undefined;
  #observedGeneration: number;
  #stopped = false;

  constructor(options: PodWorkerOptions) {
    this.#options = options;
    const { metadata, spec } = options.pod;
    this.#cgroup = `${options.writer.folder}/${QOS_FOLDERS[qosClassOf(spec)]}/pod${metadata.uid}`;
    this.#addresses = options.addresses ?? THIS_MACHINE;
    this.#allocated = resizable(options.pod);
    this.#actuated = this.#allocated;
    this.#observedGeneration = metadata.generation ?? 1;
    this.#containers = new PodContainers({
      pod: options.pod,
      address: this.#addresses.podIP ?? this.#addresses.hostIP,
      create: (container, hooks) => this.#lifeOf(container, hooks),
      onChange: () => this.#report(),
      onEvent: (event) => this.#event(event),
    });
  }

  /** What the node has promised this pod. */
  get allocated(): readonly Container[] {
    return this.#allocated;
  }

  start(): void {
    const { writer, noRights } = this.#options;
    if (noRights !== undefined) this.#refused(noRights);
    else {
      const made = writer.make(this.#cgroup);
      if (made.kind === 'refused') this.#refused(made.cause);
      // From "no limit" to the pod's: the steps of a resize whose containers don't run yet.
      const unlimited = this.#allocated.map(({ name }) => ({ name }));
      for (const step of resizeSteps(unlimited, this.#allocated)) {
        if (step.container !== '') continue;
        const written = writer.write(this.#cgroup, step.knob, step.to);
        if (written.kind === 'refused') this.#refused(written.cause);
      }
    }
    this.#containers.start();
    this.#report();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#containers.stop();
    const removed = this.#options.writer.remove(this.#cgroup);
    if (removed.kind === 'refused') this.#options.log.warn({ reason: removed.cause }, 'cgroup was not removed');
  }

  /** One pass: what the spec asks for, as far as node and kernel let it. Safe to call at any time. */
  sync(): void {
    const pod = this.#options.records.current();
    if (!pod || this.#stopped) return;
    if (!this.#isAllocated(pod)) this.#allocate(pod);
    else if (this.#pending) {
      // The spec went back to what is allocated.
      this.#pending = undefined;
      this.#observedGeneration = pod.metadata.generation ?? 1;
    } else if (this.#observedGeneration !== pod.metadata.generation) {
      this.#observedGeneration = pod.metadata.generation ?? 1;
    }
    this.#report();
    if (!this.#isActuated()) this.#actuate();
  }

  #lifeOf(spec: Container, hooks: LifeHooks): ContainerLife {
    const { log, wallTimeMs, writer, noRights, programs, backoff, createLife } = this.#options;
    const options: LifeOptions = {
      log,
      wallTimeMs,
      writer,
      podCgroup: noRights === undefined ? this.#cgroup : undefined,
      resources: () => (this.#allocated.find(({ name }) => name === spec.name) ?? spec).resources ?? {},
      onStarted: (run) => {
        hooks.onStarted(run);
        this.#report();
      },
      onEnded: hooks.onEnded,
      restarts: hooks.restarts,
      onRefused: (cause) => this.#refused(cause),
      ...(backoff ? { backoff } : {}),
    };
    const life = createLife?.(spec, options);
    if (life) return life;
    const program = programs.get(spec.name);
    if (!program) throw new Error(`container ${spec.name} has no program`);
    return new ContainerProcess({ ...options, program });
  }

  /** Desired → allocated. */
  #allocate(pod: Pod): void {
    const generation = pod.metadata.generation ?? 1;
    const wanted = resizable(pod);
    const admission = this.#options.admit(this, wanted);
    if (admission.kind === 'fits') {
      this.#allocated = wanted;
      this.#pending = undefined;
      this.#inProgress = { type: 'PodResizeInProgress', observedGeneration: generation };
      this.#observedGeneration = generation;
      this.#resizeEvent('Normal', 'ResizeStarted', 'started');
      return;
    }
    const reason = admission.kind === 'deferred' ? 'Deferred' : 'Infeasible';
    const known = this.#pending?.reason === reason && this.#observedGeneration === generation;
    this.#pending = { type: 'PodResizePending', reason, message: admission.message, observedGeneration: generation };
    this.#observedGeneration = generation;
    if (!known) this.#resizeEvent('Warning', `Resize${reason}`, reason, admission.message);
  }

  /** Allocated → actuated: memory before CPU, stops at the first error and is tried again at the next pass. */
  #actuate(): void {
    const error = this.#options.noRights ?? this.#writeSteps();
    if (error === undefined) {
      this.#actuated = this.#allocated;
      this.#inProgress = undefined;
      this.#resizeEvent('Normal', 'ResizeCompleted', 'completed');
    } else {
      if (this.#inProgress?.message !== error) this.#resizeEvent('Warning', 'ResizeError', 'error', error);
      this.#inProgress = {
        type: 'PodResizeInProgress',
        reason: 'Error',
        message: error,
        observedGeneration: this.#inProgress?.observedGeneration ?? this.#observedGeneration,
      };
    }
    this.#report();
  }

  #writeSteps(): string | undefined {
    const { writer, pod } = this.#options;
    const restarted = this.#restartedByResize();
    const steps = resizeSteps(this.#actuated, this.#allocated).filter(
      ({ container }) => !restarted.includes(container),
    );
    const cgroupOf = (container: string): string | undefined =>
      container === '' ? this.#cgroup : this.#containers.runOf(container)?.cgroup;
    const refusal = shrinkRefusal(steps, pod.metadata.name, (container) => {
      const cgroup = cgroupOf(container);
      // A container that does not run uses nothing.
      return cgroup === undefined ? 0 : writer.memoryUsageBytes(cgroup);
    });
    if (refusal !== undefined) return refusal;
    for (const { container, knob, to } of steps) {
      const cgroup = cgroupOf(container);
      if (cgroup === undefined) continue;
      const written = writer.write(cgroup, knob, to);
      if (written.kind === 'refused')
        return `${knob} of ${container === '' ? 'the pod' : `container "${container}"`} was not set: ${written.cause}`;
    }
    // They get their new limits with their new cgroups.
    for (const container of restarted) this.#containers.restart(container);
    return undefined;
  }

  /** Containers of which something changes whose resizePolicy is RestartContainer. */
  #restartedByResize(): readonly string[] {
    return this.#allocated.flatMap(({ name, resources, resizePolicy = [] }, at) => {
      const before = this.#actuated[at]?.resources;
      const changed = COMPUTE_RESOURCES.filter(
        (resource) =>
          amountOf(resources?.requests, resource) !== amountOf(before?.requests, resource) ||
          amountOf(resources?.limits, resource) !== amountOf(before?.limits, resource),
      );
      const restarts = resizePolicy.some(
        ({ resourceName, restartPolicy }) =>
          restartPolicy === 'RestartContainer' && changed.some((resource) => resource === resourceName),
      );
      return restarts ? [name] : [];
    });
  }

  #isAllocated(pod: Pod): boolean {
    return resizable(pod).every((container, at) => sameResources(container, this.#allocated[at]));
  }

  #isActuated(): boolean {
    return this.#allocated.every((container, at) => sameResources(container, this.#actuated[at]));
  }

  #report(): void {
    if (this.#stopped) return;
    const { init, main } = this.#containers.outlooks();
    const outlook = {
      init: init.map((each) => this.#viewOf(each)),
      main: main.map((each) => this.#viewOf(each)),
      resize: [this.#pending, this.#inProgress].filter((condition) => condition !== undefined),
      observedGeneration: this.#observedGeneration,
      addresses: this.#addresses,
    };
    this.#options.records.writeStatus((pod) => podStatus(outlook, pod.status, this.#options.wallTimeMs()));
  }

  #viewOf(outlook: ContainerOutlook): ContainerView {
    const named = (list: readonly NamedResources[]): NamedResources['resources'] =>
      (list.find(({ name }) => name === outlook.spec.name) ?? outlook.spec).resources;
    return { ...outlook, allocated: named(this.#allocated) ?? {}, actuated: named(this.#actuated) ?? {} };
  }

  #refused(cause: string): void {
    this.#options.log.warn({ pod: this.#name(), reason: cause }, 'kernel was not told a limit');
    this.#event({ type: 'Warning', reason: 'LimitNotSet', message: `The kernel was not told: ${cause}` });
  }

  #resizeEvent(type: PodEvent['type'], reason: string, state: string, error?: string): void {
    const containers = this.#allocated.map(({ name, resources }) => ({ name, resources }));
    const generation = this.#observedGeneration;
    const message = `Pod resize ${state}: ${JSON.stringify({ containers, generation, ...(error === undefined ? {} : { error }) })}`;
    this.#event({ type, reason, message });
    this.#options.log.info({ pod: this.#name(), generation, reason: error ?? '' }, `pod resize ${state.toLowerCase()}`);
  }

  #event(event: PodEvent): void {
    this.#options.records.event(event);
  }

  #name(): string {
    const { namespace = '', name } = this.#options.pod.metadata;
    return `${namespace}/${name}`;
  }
}

/** What a resize may change: containers, and init containers that stay. */
function resizable({ spec }: Pod): readonly Container[] {
  return [...(spec.initContainers ?? []).filter(isSidecar), ...spec.containers];
}

function sameResources(a: NamedResources, b: NamedResources | undefined): boolean {
  return (
    sameAmounts(a.resources?.requests, b?.resources?.requests) && sameAmounts(a.resources?.limits, b?.resources?.limits)
  );
}
