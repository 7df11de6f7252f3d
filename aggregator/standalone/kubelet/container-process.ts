// The life of one container's program: started in its cgroup, started again with a growing pause when it ends, ended with its pod.
// Source: kubelet's container restart back-off (restartPolicy Always); OOMKilled as the runtime tells it, from the cgroup's own count.
import { randomBytes } from 'node:crypto';
import type { Logger } from '../../../agent/runtime/logger.ts';
import type { ResourceRequirements } from '../api/objects.ts';
import { amountOf } from '../api/pod-resources.ts';
import type { CgroupWriter, Written } from './cgroup-writer.ts';
import type { GatedProcess } from './gated-spawn.ts';
import { spawnGated } from './gated-spawn.ts';

export interface Program {
  /** Absolute path of the script that this Node runs. */
  readonly script: string;
  /** Asked at each start: ports learned meanwhile can be in it. */
  readonly args: () => readonly string[];
  /** Put before Node and its script: see spawnGated. */
  readonly prefix?: readonly string[];
  /** undefined: as the launcher has it. */
  readonly env?: NodeJS.ProcessEnv;
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
  readonly onStarted?: (pid: number) => void;
  readonly onEnded?: () => void;
}

export interface Ending {
  readonly containerId: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: 'OOMKilled' | 'Error' | 'Completed';
}

export interface Run {
  readonly containerId: string;
  /** Below the mount; undefined where the program runs without a cgroup of its own. */
  readonly cgroup: string | undefined;
  readonly pid: number;
  readonly startedAtMs: number;
}

export interface ContainerProcessOptions {
  readonly log: Logger;
  readonly wallTimeMs: () => number;
  readonly program: Program;
  readonly writer: CgroupWriter;
  /** The pod's cgroup, made already; undefined: no rights, the program runs where the launcher runs. */
  readonly podCgroup: string | undefined;
  /** Limits and requests to start with, as allocated now. */
  readonly resources: () => ResourceRequirements;
  readonly onStarted: (run: Run) => void;
  /** It ended, not by `stop`. @param restartInMs undefined: for good */
  readonly onEnded: (ending: Ending, restartInMs: number | undefined) => void;
  /** Whether it starts again after this ending; unset: always. */
  readonly restarts?: (ending: Ending) => boolean;
  /** The kernel was not told something at the start: the program runs all the same. */
  readonly onRefused: (cause: string) => void;
  readonly backoff?: Backoff;
}

export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
  /** After so long without an end the pause begins at `firstMs` again. */
  readonly forgottenAfterMs: number;
}

/** A container's program, or what stands for one. */
export interface ContainerLife {
  readonly run: Run | undefined;
  start(): void;
  /** Ends it; it starts again without a pause. */
  restart(): void;
  /** Ends it for good. */
  stop(): Promise<void>;
}

const BACKOFF: Backoff = { firstMs: 1000, mostMs: 60_000, forgottenAfterMs: 600_000 };
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5000;

export class ContainerProcess implements ContainerLife {
  readonly #options: ContainerProcessOptions;
  readonly #backoff: Backoff;
  #run: Run | undefined;
  #process: GatedProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #restart: NodeJS.Timeout | undefined;
  #pauseMs = 0;
  #stopping = false;
  #wanted = false;

  constructor(options: ContainerProcessOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? BACKOFF;
  }

  get run(): Run | undefined {
    return this.#run;
  }

  start(): void {
    if (this.#stopping || this.#run) return;
    const { program, podCgroup, wallTimeMs, onStarted, onRefused } = this.#options;
    const containerId = randomBytes(32).toString('hex');
    const cgroup = podCgroup === undefined ? undefined : this.#makeCgroup(`${podCgroup}/${containerId}`);
    const { script, prefix, env } = program;
    const spawned = spawnGated({ script, args: program.args(), prefix, env }, program.onLine);
    if ('kind' in spawned) return onRefused(spawned.cause);
    const entered = cgroup === undefined ? undefined : this.#options.writer.enter(cgroup, spawned.pid);
    if (entered?.kind === 'refused') onRefused(entered.cause);
    const run: Run = { containerId, cgroup, pid: spawned.pid, startedAtMs: wallTimeMs() };
    this.#run = run;
    this.#process = spawned;
    this.#ended = new Promise((resolve) => {
      spawned.child.once('exit', (code, signal) => {
        this.#finish(run, code, signal);
        resolve();
      });
    });
    spawned.open();
    program.onStarted?.(run.pid);
    onStarted(run);
  }

  restart(): void {
    this.#wanted = true;
    if (this.#process) void this.#terminate(this.#process);
    else if (!this.#stopping) {
      clearTimeout(this.#restart);
      this.#wanted = false;
      this.start();
    }
  }

  /** Ends the program for good: SIGTERM, SIGKILL after five seconds. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    if (this.#process) await this.#terminate(this.#process);
  }

  async #terminate(running: GatedProcess): Promise<void> {
    running.child.kill('SIGTERM');
    const kill = setTimeout(() => running.child.kill('SIGKILL'), GRACE_MS);
    await this.#ended;
    clearTimeout(kill);
  }

  #makeCgroup(cgroup: string): string | undefined {
    const { writer, onRefused, resources } = this.#options;
    const made = writer.make(cgroup);
    if (made.kind === 'refused') {
      onRefused(made.cause);
      return undefined;
    }
    const { limits, requests } = resources();
    const results: readonly Written[] = [
      writer.write(cgroup, 'memory.limit', amountOf(limits, 'memory')),
      writer.write(cgroup, 'cpu.limit', amountOf(limits, 'cpu')),
      writer.write(cgroup, 'cpu.request', amountOf(requests, 'cpu')),
    ];
    for (const result of results) if (result.kind === 'refused') onRefused(result.cause);
    return cgroup;
  }

  #finish(run: Run, code: number | null, signal: NodeJS.Signals | null): void {
    const { writer, wallTimeMs, onEnded, log } = this.#options;
    const oomKilled = run.cgroup !== undefined && writer.oomKills(run.cgroup) > 0 && signal === 'SIGKILL';
    if (run.cgroup !== undefined) {
      const removed = writer.remove(run.cgroup);
      if (removed.kind === 'refused') log.warn({ reason: removed.cause }, 'cgroup was not removed');
    }
    const finishedAtMs = wallTimeMs();
    this.#run = undefined;
    this.#process = undefined;
    const ranMs = finishedAtMs - run.startedAtMs;
    const doubled = Math.min(this.#pauseMs * 2 || this.#backoff.firstMs, this.#backoff.mostMs);
    this.#pauseMs = ranMs >= this.#backoff.forgottenAfterMs ? this.#backoff.firstMs : doubled;
    const ending: Ending = {
      containerId: run.containerId,
      startedAtMs: run.startedAtMs,
      finishedAtMs,
      exitCode: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0),
      reason: oomKilled ? 'OOMKilled' : code === 0 ? 'Completed' : 'Error',
    };
    if (!this.#stopping) onEnded(ending, this.#startAgain(ending));
    this.#options.program.onEnded?.();
  }

  /** @returns the pause before it, ms; undefined: it does not */
  #startAgain(ending: Ending): number | undefined {
    const { restarts = () => true } = this.#options;
    if (!this.#wanted && !restarts(ending)) return undefined;
    const pauseMs = this.#wanted ? 0 : this.#pauseMs;
    this.#wanted = false;
    this.#restart = setTimeout(() => this.start(), pauseMs);
    return pauseMs;
  }
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};
