// The aggregators' CA where none of them has published it yet: a cluster's first install. The kubelet brings a ConfigMap that changed to
// the mounted file when it next looks at the pod: each minute or so, and as soon as a probe of the pod turns out otherwise than before.
// So the startup probe is kept until an aggregator listens, which it does once its CA is published. Nothing is sent to it meanwhile.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../runtime/coded-error.ts';
import type { Logger } from '../runtime/logger.ts';
import { readPem } from '../runtime/secret-files.ts';
import type { Timers } from '../tick.ts';

export interface AwaitedCaParts {
  /** undefined: there is nothing to wait for. */
  readonly file: string | undefined;
  /** Whether an aggregator listens. */
  readonly listens: () => Promise<boolean>;
  /** Called once, from `start` where the file is there. */
  readonly onKnown: () => void;
  readonly timers: Timers;
  readonly log: Logger;
}

/** Between two looks at the file; each other one also asks for an aggregator, until one has listened. */
const LOOK_MS = 500;
/** Then the agent counts as started all the same: it samples, and waits on. Below what the startup probe allows. */
const MOST_STARTING_MS = 90_000;
/** A question whether the agent is ready waits so long for its answer. Below the readiness probe's time-out. */
const MOST_ANSWERING_MS = 2000;

export class AwaitedCa {
  readonly #parts: AwaitedCaParts;
  #beganMs = 0;
  #awaited = false;
  #known = false;
  #pushed = false;
  #listening = false;
  #looks = 0;
  #cancel: () => void = () => {};
  #asking: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<() => void>();

  constructor(parts: AwaitedCaParts) {
    this.#parts = parts;
  }

  /** @throws CodedError tls_file where the file can't be read, or has no folder to come to: a wrong path is said at start */
  start(): void {
    const { file, log, timers, onKnown } = this.#parts;
    this.#beganMs = timers.monotonicMs();
    if (file !== undefined && !isFilled(file)) {
      if (!isThere(dirname(file))) throw new CodedError('tls_file', `can't read ${file}: its folder is not there`);
      this.#awaited = true;
      log.warn({ file }, 'no aggregator has published its CA yet');
      return this.#look(file);
    }
    if (file !== undefined) readPem(file);
    this.#known = true;
    onKnown();
  }

  /** '' when the CA is there. */
  get problem(): string {
    return this.#known ? '' : `no CA in ${this.#parts.file} yet`;
  }

  /** '' when the start is not held up by it (any longer). */
  get startProblem(): string {
    return this.#listening || this.#overdue() ? '' : this.problem;
  }

  /** A push was taken. */
  pushed(): void {
    this.#pushed = true;
    for (const end of this.#waiting) this.#answer(end);
  }

  /** '' when pushes are taken, or the file was there from the start: then the agent is of use before. Waits a little for an answer to come. */
  async readyProblem(): Promise<string> {
    if (this.#isReady()) return '';
    const { timers } = this.#parts;
    await new Promise<void>((resolve) => {
      const cancel = timers.after(MOST_ANSWERING_MS, () => this.#answer(end));
      const end = (): void => {
        cancel();
        resolve();
      };
      this.#waiting.add(end);
    });
    return this.#isReady() ? '' : this.problem || 'no push was taken yet';
  }

  async close(): Promise<void> {
    this.#cancel();
    for (const end of this.#waiting) this.#answer(end);
    await this.#asking;
  }

  #look(file: string): void {
    const { timers, log, onKnown } = this.#parts;
    if (isFilled(file)) {
      this.#known = true;
      log.info({ file }, 'the aggregators’ CA is there');
      return onKnown();
    }
    if (!this.#listening && this.#looks++ % 2 === 0) this.#asking = this.#ask();
    this.#cancel = timers.after(LOOK_MS, () => this.#look(file));
  }

  #isReady(): boolean {
    return !this.#awaited || this.#pushed || this.#overdue();
  }

  #overdue(): boolean {
    return this.#parts.timers.monotonicMs() - this.#beganMs >= MOST_STARTING_MS;
  }

  #answer(end: () => void): void {
    this.#waiting.delete(end);
    end();
  }

  async #ask(): Promise<void> {
    this.#listening = await this.#parts.listens().catch(() => false);
  }
}

/** Not readable counts as there: that is an error, and not one that passes. */
function isFilled(file: string): boolean {
  return isThere(file) && statSync(file).size > 0;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
