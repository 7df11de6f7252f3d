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
  #asking = false;
  #pem: string | undefined;
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
    this.pem();
    this.#known = true;
    onKnown();
  }

  /**
   * As the file has it now; what it last had where it is gone: a ConfigMap that was deleted takes it away, and not the trust.
   * @returns undefined when there is none to wait for. @throws CodedError tls_file
   */
  pem(): string | undefined {
    const { file } = this.#parts;
    if (file !== undefined && (this.#pem === undefined || isFilled(file))) {
      const pem = readPem(file);
      // '' would be every CA that the system trusts.
      if (pem.trim() === '') throw new CodedError('tls_file', `${file} is empty: it must hold a CA`);
      this.#pem = pem;
    }
    return this.#pem;
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

  close(): void {
    this.#cancel();
    for (const end of this.#waiting) this.#answer(end);
  }

  #look(file: string): void {
    const { timers, log, onKnown } = this.#parts;
    if (isFilled(file)) {
      this.#known = true;
      log.info({ file }, 'the aggregators’ CA is there');
      return onKnown();
    }
    if (this.startProblem !== '' && !this.#asking && this.#looks++ % 2 === 0) void this.#ask();
    this.#cancel = timers.after(LOOK_MS, () => this.#look(file));
  }

  #isReady(): boolean {
    return !this.#awaited || this.#pushed;
  }

  #overdue(): boolean {
    return this.#parts.timers.monotonicMs() - this.#beganMs >= MOST_STARTING_MS;
  }

  #answer(end: () => void): void {
    this.#waiting.delete(end);
    end();
  }

  /** One at a time: a name server that is silent answers none of them, and what it said last counts. */
  async #ask(): Promise<void> {
    this.#asking = true;
    this.#listening = await this.#parts.listens().catch(() => false);
    this.#asking = false;
  }
}

/** What can't be looked at counts as there: that is an error, and not one that passes. */
function isFilled(file: string): boolean {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    return found !== undefined && found.size > 0;
  } catch {
    return true;
  }
}

function isThere(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false }) !== undefined;
}
