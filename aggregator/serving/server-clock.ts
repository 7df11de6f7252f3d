// What time it is for the API server: certificates are for others to judge, so this machine's clock alone makes and ends none.
// A SelfSubjectReview (authentication.k8s.io/v1), which everyone who is authenticated may create, is stamped by the server that answers.
import type { Clock } from '../../agent/runtime/clock.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import type { KubeHttp } from '../kube/http.ts';

export interface ServerClockParts {
  readonly http: Pick<KubeHttp, 'call'>;
  readonly clock: Clock;
  readonly log: Logger;
}

const REVIEW = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
const REVIEW_PATH = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const ASK_EVERY_MS = 3600_000;
/** The answer is in whole seconds and took a while; what is less is agreement. */
const TOLERANCE_MS = 120_000;

export class ServerClock {
  readonly #parts: ServerClockParts;
  /** The server's time less CLOCK_BOOTTIME, so that a step of the wall clock between two answers moves nothing. */
  #offsetMs: number | undefined;
  #askedMs = -Infinity;
  #differed = false;

  constructor(parts: ServerClockParts) {
    this.#parts = parts;
  }

  /** Unix ms by the server, by this machine while the server has told nothing. */
  nowMs(): number {
    const { clock } = this.#parts;
    return this.#offsetMs === undefined ? clock.wallTimeMs() : clock.bootTimeMs() + this.#offsetMs;
  }

  /** Asks when it was not asked for an hour. */
  async refresh(): Promise<void> {
    if (this.#parts.clock.bootTimeMs() - this.#askedMs >= ASK_EVERY_MS) await this.ask();
  }

  async ask(): Promise<void> {
    const { clock, http, log } = this.#parts;
    const timeMs = await serverTimeMs(http);
    this.#askedMs = clock.bootTimeMs();
    if (timeMs === undefined) return;
    this.#offsetMs = timeMs - clock.bootTimeMs();
    const aheadMs = clock.wallTimeMs() - timeMs;
    const differs = Math.abs(aheadMs) > TOLERANCE_MS;
    if (differs && !this.#differed) log.warn({ aheadMs }, 'wall clock differs from the api server');
    this.#differed = differs;
  }
}

/** @returns Unix ms, to the second; undefined when the server does not tell */
async function serverTimeMs(http: Pick<KubeHttp, 'call'>): Promise<number | undefined> {
  try {
    const { status, body } = await http.call({ method: 'POST', path: REVIEW_PATH, body: REVIEW });
    const { metadata } = (body ?? {}) as { readonly metadata?: { readonly creationTimestamp?: string | null } };
    const timeMs = status < 300 ? Date.parse(metadata?.creationTimestamp ?? '') : NaN;
    return Number.isNaN(timeMs) ? undefined : timeMs;
  } catch {
    return undefined;
  }
}
