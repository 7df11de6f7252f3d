// One pod of our own, as a kubelet's pod worker keeps it: its processes, its cgroup, its resize from spec to kernel to status.
// The four states of KEP 1287: desired (spec) → allocated → actuated (told to the kernel) → actual (status.resources).
import type { Logger } from '../../../agent/runtime/logger.ts';
import type { Container, Pod } from '../api/objects.ts';
import type { ObjectStore } from '../api/object-store.ts';
import { qosClassOf, sameAmounts } from '../api/pod-resources.ts';
import type { Admission } from './admit-resize.ts';
import type { CgroupWriter } from './cgroup-writer.ts';
import type { Backoff, Ending, Program } from './container-process.ts';
import { ContainerProcess } from './container-process.ts';
import type { PodEvent } from './events.ts';
import { recordEvent } from './events.ts';
import type { ContainerView, ResizeCondition } from './pod-status.ts';
import { runningStatus } from './pod-status.ts';
import type { NamedResources } from './resize-steps.ts';
import { resizeSteps } from './resize-steps.ts';
import { shrinkRefusal } from './shrink-guard.ts';

export interface PodWorkerOptions {
  readonly log: Logger;
  readonly wallTimeMs: () => number;
  readonly store: ObjectStore;
  readonly nodeName: string;
  readonly writer: CgroupWriter;
  /** Why no cgroup can be made; undefined where they can. */
  readonly noRights: string | undefined;
  readonly pod: Pod;
  /** By container name. */
  readonly programs: ReadonlyMap<string, Program>;
  readonly admit: (worker: PodWorker, wanted: readonly Container[]) => Admission;
  readonly backoff?: Backoff;
}

/** The cgroupfs driver's layout. */
const QOS_FOLDERS = {
  Guaranteed: 'kubepods',
  Burstable: 'kubepods/burstable',
  BestEffort: 'kubepods/besteffort',
} as const;

interface Slot {
  readonly spec: Container;
  readonly process: ContainerProcess;
  last: Ending | undefined;
  restartCount: number;
}

export class PodWorker {
  readonly #options: PodWorkerOptions;
  readonly #slots: readonly Slot[];
  readonly #cgroup: string;
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
    this.#allocated = spec.containers;
    this.#actuated = spec.containers;
    this.#observedGeneration = metadata.generation ?? 1;
    this.#slots = spec.containers.map((container) => this.#slotOf(container));
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
    for (const slot of this.#slots) slot.process.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#slots.map(({ process }) => process.stop()));
    const removed = this.#options.writer.remove(this.#cgroup);
    if (removed.kind === 'refused') this.#options.log.warn({ reason: removed.cause }, 'cgroup was not removed');
  }

  /** One pass: what the spec asks for, as far as node and kernel let it. Safe to call at any time. */
  sync(): void {
    const pod = this.#pod();
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

  #slotOf(spec: Container): Slot {
    const { log, wallTimeMs, writer, noRights, programs, backoff } = this.#options;
    const program = programs.get(spec.name);
    if (!program) throw new Error(`container ${spec.name} has no program`);
    const slot: Slot = {
      spec,
      last: undefined,
      restartCount: 0,
      process: new ContainerProcess({
        log,
        wallTimeMs,
        program,
        writer,
        podCgroup: noRights === undefined ? this.#cgroup : undefined,
        resources: () => this.#allocated.find(({ name }) => name === spec.name)?.resources ?? {},
        onStarted: () => {
          this.#event({
            type: 'Normal',
            reason: 'Started',
            message: `Container started`,
            fieldPath: `spec.containers{${spec.name}}`,
          });
          this.#report();
        },
        onEnded: (ending, restartInMs) => this.#ended(slot, ending, restartInMs),
        onRefused: (cause) => this.#refused(cause),
        ...(backoff ? { backoff } : {}),
      }),
    };
    return slot;
  }

  #ended(slot: Slot, ending: Ending, restartInMs: number): void {
    if (this.#stopped) return;
    slot.last = ending;
    slot.restartCount += 1;
    const why =
      ending.reason === 'OOMKilled' ? 'the kernel killed it for want of memory' : `exit code ${ending.exitCode}`;
    this.#event({
      type: 'Warning',
      reason: ending.reason === 'OOMKilled' ? 'OOMKilling' : 'BackOff',
      message: `Container ended (${why}), starts again in ${restartInMs / 1000} s`,
      fieldPath: `spec.containers{${slot.spec.name}}`,
    });
    this.#report();
  }

  /** Desired → allocated. */
  #allocate(pod: Pod): void {
    const generation = pod.metadata.generation ?? 1;
    const admission = this.#options.admit(this, pod.spec.containers);
    if (admission.kind === 'fits') {
      this.#allocated = pod.spec.containers;
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
    const steps = resizeSteps(this.#actuated, this.#allocated);
    const cgroupOf = (container: string): string | undefined =>
      container === '' ? this.#cgroup : this.#slots.find(({ spec }) => spec.name === container)?.process.run?.cgroup;
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
    return undefined;
  }

  #isAllocated(pod: Pod): boolean {
    return pod.spec.containers.every((container, at) => sameResources(container, this.#allocated[at]));
  }

  #isActuated(): boolean {
    return this.#allocated.every((container, at) => sameResources(container, this.#actuated[at]));
  }

  #pod(): Pod | undefined {
    const { namespace = '', name, uid } = this.#options.pod.metadata;
    const pod = this.#options.store.get('pods', namespace, name) as Pod | undefined;
    return pod?.metadata.uid === uid ? pod : undefined;
  }

  #report(): void {
    if (this.#stopped || !this.#pod()) return;
    const { store, pod, wallTimeMs } = this.#options;
    const views = this.#slots.map((slot, at): ContainerView => ({
      spec: slot.spec,
      run: slot.process.run,
      last: slot.last,
      restartCount: slot.restartCount,
      allocated: this.#allocated[at]?.resources ?? {},
      actuated: this.#actuated[at]?.resources ?? {},
    }));
    const resize = [this.#pending, this.#inProgress].filter((condition) => condition !== undefined);
    const { namespace = '', name } = pod.metadata;
    store.update('pods', namespace, name, (current) => {
      const status = runningStatus(views, resize, this.#observedGeneration, (current as Pod).status, wallTimeMs());
      return JSON.stringify(status) === JSON.stringify(current.status) ? current : { ...current, status };
    });
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
    const { store, nodeName, wallTimeMs } = this.#options;
    const pod = this.#pod();
    if (pod) recordEvent(store, pod, nodeName, wallTimeMs(), event);
  }

  #name(): string {
    const { namespace = '', name } = this.#options.pod.metadata;
    return `${namespace}/${name}`;
  }
}

function sameResources(a: NamedResources, b: NamedResources | undefined): boolean {
  return (
    sameAmounts(a.resources?.requests, b?.resources?.requests) && sameAmounts(a.resources?.limits, b?.resources?.limits)
  );
}
