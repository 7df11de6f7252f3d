// HPAs by list and watch, where RBAC lets us: without the right, or without the API, their <unknown> goes unexplained, which is
// said once, and the right is looked for again now and then.
import type { Clock } from '../../agent/runtime/clock.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import { sleepUnlessAborted } from '../kube/backoff.ts';
import type { Sleep } from '../kube/backoff.ts';
import type { KubeHttp } from '../kube/http.ts';
import { Reflector } from '../kube/reflector.ts';
import type { HpaRecord } from './hpa-record.ts';
import { HPA_SHAPE, projectHpa } from './hpa-record.ts';

export interface HpaWatchOptions {
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tests give their own. */
  readonly sleep?: Sleep;
}

const PATH = '/apis/autoscaling/v2/horizontalpodautoscalers';
const NO_RIGHT_RETRY_MS = 600_000;
const NO_ANSWER_RETRY_MS = 30_000;
const MAX_HPAS = 5000;

export class HpaWatch {
  readonly #options: HpaWatchOptions;
  readonly #abort = new AbortController();
  readonly #hpas = new Map<string, HpaRecord>();
  #reflector: Reflector<HpaRecord> | undefined;
  #running: Promise<void> | undefined;
  #saidFull = false;

  constructor(options: HpaWatchOptions) {
    this.#options = options;
  }

  /** HPAs that show <unknown> for a resource metric. */
  unknown(): readonly HpaRecord[] {
    return [...this.#hpas.values()].filter((hpa) => hpa.unknown.length > 0);
  }

  /** Whether HPAs are seen at all. */
  get isWatching(): boolean {
    return this.#reflector !== undefined;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    await this.#reflector?.close();
  }

  async #run(): Promise<void> {
    const { log, sleep = sleepUnlessAborted } = this.#options;
    const { signal } = this.#abort;
    let said = false;
    while (!signal.aborted) {
      const status = await this.#probe();
      if (signal.aborted) return;
      if (status === 200) return this.#follow();
      const isRefused = status === 401 || status === 403 || status === 404;
      // 404: this API server has no horizontal pod autoscalers that could show anything.
      if (isRefused && status !== 404 && !said) {
        said = true;
        log.info(
          { path: PATH, status },
          'horizontal pod autoscalers not readable: their unknown metrics go unexplained',
        );
      }
      await sleep(isRefused ? NO_RIGHT_RETRY_MS : NO_ANSWER_RETRY_MS, signal);
    }
  }

  /** @returns the status; 0: no answer */
  async #probe(): Promise<number> {
    const { http, log } = this.#options;
    try {
      const { status } = await http.call({ method: 'GET', path: `${PATH}?limit=1`, signal: this.#abort.signal });
      return status;
    } catch (err) {
      if (!this.#abort.signal.aborted) log.debug({ path: PATH, err }, 'probe failed');
      return 0;
    }
  }

  #follow(): void {
    const { http, clock, log } = this.#options;
    this.#reflector = new Reflector<HpaRecord>({
      path: PATH,
      shape: HPA_SHAPE,
      project: projectHpa,
      keyOf: ({ uid }) => uid,
      onUpsert: (hpa) => this.#keep(hpa),
      onRemove: (uid) => void this.#hpas.delete(uid),
      http,
      clock,
      log,
    });
    this.#reflector.start();
  }

  #keep(hpa: HpaRecord): void {
    if (this.#hpas.size < MAX_HPAS || this.#hpas.has(hpa.uid)) this.#hpas.set(hpa.uid, hpa);
    else if (!this.#saidFull) {
      this.#saidFull = true;
      this.#options.log.warn({ maxHpas: MAX_HPAS }, 'more horizontal pod autoscalers than are looked at');
    }
  }
}
