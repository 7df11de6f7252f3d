// A container that is only numbers: no process, a cgroup of files whose counters move as the load rules say.
import { randomBytes } from 'node:crypto';
import type { ContainerLife, Ending, Run } from '../../../aggregator/standalone/kubelet/container-process.ts';
import type { LifeOptions } from '../../../aggregator/standalone/kubelet/pod-worker.ts';
import { amountOf } from '../../../aggregator/standalone/api/pod-resources.ts';
import type { GeneratedCgroups, Load } from '../cgroups/generated-cgroups.ts';

export interface GeneratedContainerOptions {
  readonly life: LifeOptions;
  readonly cgroups: GeneratedCgroups;
  /** Registers it as running. */
  readonly running: () => { readonly load: () => Load; readonly end: () => void };
  /** An init container: it ends by itself. */
  readonly endsAfterMs?: number;
}

const BACKOFF_MS = 1000;

export class GeneratedContainer implements ContainerLife {
  readonly #options: GeneratedContainerOptions;
  #run: Run | undefined;
  #end: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: GeneratedContainerOptions) {
    this.#options = options;
  }

  get run(): Run | undefined {
    return this.#run;
  }

  start(): void {
    if (this.#stopped || this.#run) return;
    const { life, cgroups, running, endsAfterMs } = this.#options;
    const containerId = randomBytes(32).toString('hex');
    const cgroup = `${life.podCgroup}/${containerId}`;
    cgroups.make(cgroup);
    const { limits, requests } = life.resources();
    cgroups.write(cgroup, 'memory.limit', amountOf(limits, 'memory'));
    cgroups.write(cgroup, 'cpu.limit', amountOf(limits, 'cpu'));
    cgroups.write(cgroup, 'cpu.request', amountOf(requests, 'cpu'));
    const { load, end } = running();
    cgroups.setLoad(cgroup, load);
    this.#end = end;
    this.#run = { containerId, cgroup, pid: 0, startedAtMs: life.wallTimeMs() };
    if (endsAfterMs !== undefined) this.#timer = setTimeout(() => this.end(0), endsAfterMs);
    life.onStarted(this.#run);
  }

  restart(): void {
    if (this.#run) this.end(137, 0);
    else this.start();
  }

  /** As if its program had ended. @param pauseMs before the next start, where there is one */
  end(exitCode: number, pauseMs = BACKOFF_MS): void {
    const run = this.#run;
    if (!run || this.#stopped) return;
    const { life } = this.#options;
    this.#leave(run);
    const ending: Ending = {
      containerId: run.containerId,
      startedAtMs: run.startedAtMs,
      finishedAtMs: life.wallTimeMs(),
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
    };
    const again = pauseMs === 0 || life.restarts?.(ending) !== false;
    if (again) this.#timer = setTimeout(() => this.start(), pauseMs);
    life.onEnded(ending, again ? pauseMs : undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    if (this.#run) this.#leave(this.#run);
  }

  #leave(run: Run): void {
    clearTimeout(this.#timer);
    this.#end?.();
    if (run.cgroup !== undefined) this.#options.cgroups.remove(run.cgroup);
    this.#run = undefined;
  }
}
