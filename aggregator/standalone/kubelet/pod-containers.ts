// The containers of one pod in the order a kubelet starts them: init containers one after the other, sidecars (init containers
// with restartPolicy Always) staying, then all others. Source: core/v1 PodSpec, KEP 753.
import type { Container, Pod } from '../api/objects.ts';
import type { ContainerLife, Ending, Run } from './container-process.ts';
import type { PodEvent } from './events.ts';
import type { ContainerOutlook } from './pod-status.ts';
import { Probes } from './probe.ts';

export interface LifeHooks {
  readonly onStarted: (run: Run) => void;
  readonly onEnded: (ending: Ending, restartInMs: number | undefined) => void;
  readonly restarts: (ending: Ending) => boolean;
}

export interface PodContainersOptions {
  readonly pod: Pod;
  /** Where probes find the pod. */
  readonly address: string;
  readonly create: (spec: Container, hooks: LifeHooks) => ContainerLife;
  readonly onChange: () => void;
  readonly onEvent: (event: PodEvent) => void;
}

interface Slot {
  readonly spec: Container;
  readonly kind: 'init' | 'sidecar' | 'main';
  readonly life: ContainerLife;
  probes: Probes | undefined;
  last: Ending | undefined;
  restartCount: number;
  state: 'waiting' | 'begun' | 'over';
}

export class PodContainers {
  readonly #options: PodContainersOptions;
  readonly #slots: readonly Slot[];
  #stopped = false;

  constructor(options: PodContainersOptions) {
    this.#options = options;
    const { initContainers = [], containers } = options.pod.spec;
    this.#slots = [
      ...initContainers.map((spec) => this.#slotOf(spec, isSidecar(spec) ? 'sidecar' : 'init')),
      ...containers.map((spec) => this.#slotOf(spec, 'main')),
    ];
  }

  start(): void {
    this.#advance();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { probes } of this.#slots) probes?.stop();
    await Promise.all(this.#slots.map(({ life }) => life.stop()));
  }

  restart(name: string): void {
    this.#slot(name)?.life.restart();
  }

  runOf(name: string): Run | undefined {
    return this.#slot(name)?.life.run;
  }

  /** As they are now, init containers apart. */
  outlooks(): { readonly init: readonly ContainerOutlook[]; readonly main: readonly ContainerOutlook[] } {
    return {
      init: this.#slots.filter(({ kind }) => kind !== 'main').map(outlookOf),
      main: this.#slots.filter(({ kind }) => kind === 'main').map(outlookOf),
    };
  }

  #slot(name: string): Slot | undefined {
    return this.#slots.find(({ spec }) => spec.name === name);
  }

  /** Starts what may start now. */
  #advance(): void {
    for (const slot of this.#slots) {
      if (this.#stopped) return;
      if (slot.state === 'over') {
        if (slot.kind === 'init' && slot.last?.exitCode !== 0) return;
        continue;
      }
      if (slot.state === 'waiting') {
        slot.state = 'begun';
        slot.life.start();
      }
      if (slot.kind === 'init' || (slot.kind === 'sidecar' && slot.probes?.started !== true)) return;
    }
  }

  #slotOf(spec: Container, kind: Slot['kind']): Slot {
    const { address, create, onChange, onEvent } = this.#options;
    const fieldPath = `spec.${kind === 'main' ? 'containers' : 'initContainers'}{${spec.name}}`;
    const changed = (): void => {
      if (this.#stopped) return;
      this.#advance();
      onChange();
    };
    const onStarted = (): void => {
      onEvent({ type: 'Normal', reason: 'Started', message: `Container started`, fieldPath });
      slot.probes?.stop();
      slot.probes = new Probes(spec, address, {
        onChange: changed,
        onUnhealthy: (probe, reason) => {
          onEvent({ type: 'Warning', reason: 'Unhealthy', message: `${probe} probe failed: ${reason}`, fieldPath });
          slot.life.restart();
        },
      });
      slot.probes.start();
    };
    const onEnded = (ending: Ending, restartInMs: number | undefined): void => {
      slot.probes?.stop();
      slot.probes = undefined;
      slot.last = ending;
      if (restartInMs === undefined) slot.state = 'over';
      else slot.restartCount += 1;
      const event = endEvent(ending, restartInMs);
      if (event && !this.#stopped) onEvent({ ...event, fieldPath });
      changed();
    };
    const slot: Slot = {
      spec,
      kind,
      life: create(spec, { onStarted, onEnded, restarts: (ending) => this.#restarts(kind, ending) }),
      probes: undefined,
      last: undefined,
      restartCount: 0,
      state: 'waiting',
    };
    return slot;
  }

  #restarts(kind: Slot['kind'], { exitCode }: Ending): boolean {
    const policy = this.#options.pod.spec.restartPolicy ?? 'Always';
    if (kind === 'sidecar') return true;
    if (kind === 'init' && exitCode === 0) return false;
    return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
  }
}

function outlookOf({ spec, kind, life, probes, last, restartCount, state }: Slot): ContainerOutlook {
  const running = life.run !== undefined;
  return {
    spec,
    run: life.run,
    last,
    over: state === 'over',
    restartCount,
    started: running && probes?.started === true,
    ready: kind === 'init' ? state === 'over' : running && probes?.ready === true,
  };
}

export function isSidecar(spec: Container): boolean {
  return (spec as { readonly restartPolicy?: string }).restartPolicy === 'Always';
}

function endEvent({ reason, exitCode }: Ending, restartInMs: number | undefined): PodEvent | undefined {
  if (restartInMs === undefined && exitCode === 0) return undefined;
  const why = reason === 'OOMKilled' ? 'the kernel killed it for want of memory' : `exit code ${exitCode}`;
  const next = restartInMs === undefined ? 'is not started again' : `starts again in ${restartInMs / 1000} s`;
  return {
    type: 'Warning',
    reason: reason === 'OOMKilled' ? 'OOMKilling' : 'BackOff',
    message: `Container ended (${why}), ${next}`,
  };
}
