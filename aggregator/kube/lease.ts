// Which of the replicas acts. Contract: coordination.k8s.io/v1 Lease, held, taken and given back as client-go's leaderelection does it
// (tools/leaderelection), with its durations. Nobody's clock is compared with another's: a lease that is seen not to change for its
// duration is free, and who holds it counts from before the request that renewed it. Beyond that: the lease of a pod that is gone is free
// at once. With the pod goes the right of its process to write (the API server may remember its token for 10 s); should it still run, it acts
// beside the new one until its next renewal. That is borne: a patch tests the values that it changes, so what one did the other finds.
import type { Clock } from '../../agent/runtime/clock.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import { sleepUnlessAborted } from './backoff.ts';
import type { Sleep } from './backoff.ts';
import type { KubeAnswer, KubeCall, KubeHttp } from './http.ts';

export interface LeadershipParts {
  readonly http: Pick<KubeHttp, 'call'>;
  readonly namespace: string;
  /** Of this process alone, a former one of the same name is another: `name of its pod_anything`. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tests give their own. */
  readonly sleep?: Sleep;
}

/** What a replica's part in the lease depends on. */
export interface Following {
  /** Whether this replica knows enough to act: only then it takes the lease; keeping it does not depend on it. */
  readonly mayLead: () => boolean;
  /** Called each time that it took it. */
  readonly onLeading: () => void;
  /** Whether the API has a pod of this name in the lease's namespace. */
  readonly podIsThere: (name: string) => boolean;
}

/** Unchanged for so long it is anybody's. */
export const LEASE_MS = 15_000;
/** Who could not renew it for so long acts no more, well before another may take it from a process whose pod is there. */
export const RENEW_DEADLINE_MS = 10_000;
export const EVERY_MS = 2000;
const CALL_TIMEOUT_MS = 5000;
const NAME = 'headroom-aggregator';

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  /** How often it changed hands. */
  readonly leaseTransitions?: number;
}

interface Lease {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #abort = new AbortController();
  readonly #sleep: Sleep;
  readonly #collection: string;
  /** As this replica last wrote it; undefined: somebody else's. */
  #own: Lease | undefined;
  #actsUntilMs = -Infinity;
  /** The same on the wall clock, which a suspend of the machine moves at once. */
  #actsUntilWallMs = -Infinity;
  /** Somebody else's, as it was first seen. */
  #seen = { resourceVersion: '', sinceMs: 0 };
  /** The holder whose pod was there at the last look that found one. */
  #seenHolder = '';
  #problem = '';
  #said = false;
  #follows: Following = { mayLead: () => true, onLeading: () => undefined, podIsThere: () => true };
  #running: Promise<void> | undefined;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
    this.#sleep = parts.sleep ?? sleepUnlessAborted;
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(parts.namespace)}/leases`;
  }

  /** Whether this replica acts now. It ends by itself when the lease can't be renewed. */
  get leads(): boolean {
    const { clock } = this.#parts;
    return clock.bootTimeMs() < this.#actsUntilMs && clock.wallTimeMs() < this.#actsUntilWallMs;
  }

  /** How often the lease had changed hands when this replica took it; undefined: it does not act. */
  get fencing(): number | undefined {
    return this.leads ? this.#own?.spec?.leaseTransitions : undefined;
  }

  start(follows: Following): void {
    this.#follows = follows;
    this.#running ??= this.#run();
  }

  /** Gives the lease back, so that another replica acts at its next look. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    const own = this.#own;
    const led = this.leads;
    this.#lose();
    if (own && led) await this.#write('PUT', own, { ...own.spec, holderIdentity: '', leaseDurationSeconds: 1 });
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await this.#round();
      this.#say();
      await this.#sleep(EVERY_MS, signal);
    }
  }

  async #round(): Promise<void> {
    if (this.#own) {
      const answer = await this.#hold('PUT', this.#own, this.#renewed(this.#own.spec ?? {}));
      if (answer !== 'conflict') return;
      // Somebody wrote it since: not this replica's any more, unless it finds itself in it.
      this.#lose();
    }
    const found = await this.#call({ method: 'GET', path: `${this.#collection}/${NAME}` });
    if (found === undefined) return;
    if (found.status === 404) return this.#create();
    if (found.status !== 200) return this.#fail(found);
    await this.#consider(found.body ?? {});
  }

  async #create(): Promise<void> {
    if (this.#follows.mayLead()) await this.#hold('POST', {}, this.#acquired(-1));
  }

  async #consider(lease: Lease): Promise<void> {
    const { clock, identity } = this.#parts;
    const { holderIdentity = '', leaseDurationSeconds = LEASE_MS / 1000, leaseTransitions = 0 } = lease.spec ?? {};
    const resourceVersion = lease.metadata?.resourceVersion ?? '';
    const nowMs = clock.bootTimeMs();
    if (resourceVersion !== this.#seen.resourceVersion) this.#seen = { resourceVersion, sinceMs: nowMs };
    const free =
      ['', identity].includes(holderIdentity) ||
      nowMs - this.#seen.sinceMs >= leaseDurationSeconds * 1000 ||
      this.#isAbandoned(holderIdentity);
    this.#problem = '';
    if (free && this.#follows.mayLead()) await this.#hold('PUT', lease, this.#acquired(leaseTransitions));
  }

  /** Its pod was there and is no more. A holder that was never seen as a pod may be a process anywhere. */
  #isAbandoned(holder: string): boolean {
    const nameEnd = holder.lastIndexOf('_');
    const isThere = nameEnd > 0 && this.#follows.podIsThere(holder.slice(0, nameEnd));
    if (isThere) this.#seenHolder = holder;
    return !isThere && holder === this.#seenHolder;
  }

  #acquired(transitions: number): LeaseSpec {
    const at = microTime(this.#parts.clock.wallTimeMs());
    return this.#renewed({ acquireTime: at, leaseTransitions: transitions + 1 });
  }

  #renewed({ acquireTime, leaseTransitions }: LeaseSpec): LeaseSpec {
    return {
      holderIdentity: this.#parts.identity,
      leaseDurationSeconds: LEASE_MS / 1000,
      ...(acquireTime === undefined ? {} : { acquireTime }),
      renewTime: microTime(this.#parts.clock.wallTimeMs()),
      leaseTransitions: leaseTransitions ?? 0,
    };
  }

  async #hold(method: 'POST' | 'PUT', lease: Lease, spec: LeaseSpec): Promise<'held' | 'conflict' | 'failed'> {
    const { clock } = this.#parts;
    const [beganMs, beganWallMs] = [clock.bootTimeMs(), clock.wallTimeMs()];
    const answer = await this.#write(method, lease, spec);
    if (answer === undefined) return 'failed';
    if (answer.status === 409 || answer.status === 404) return 'conflict';
    if (answer.status >= 300) {
      this.#fail(answer);
      // Its pod was deleted, or its token is none any more: nor could it patch. Should only this API server think so, the next renewal
      // makes good for it; what comes meanwhile is kept for whoever acts then.
      if (answer.status === 401) this.#actsUntilMs = -Infinity;
      return 'failed';
    }
    const written = (answer.body ?? {}) as Lease;
    // Without a version the next write would overwrite anybody's.
    if (!written.metadata?.resourceVersion) return 'failed';
    this.#own = written;
    this.#actsUntilMs = beganMs + RENEW_DEADLINE_MS;
    this.#actsUntilWallMs = beganWallMs + RENEW_DEADLINE_MS;
    this.#problem = '';
    return 'held';
  }

  /** On the version that was read: who wrote it meanwhile makes it a conflict. */
  #write(method: 'POST' | 'PUT', { metadata }: Lease, spec: LeaseSpec): Promise<KubeAnswer | undefined> {
    const { namespace } = this.#parts;
    const resourceVersion = metadata?.resourceVersion;
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: NAME, namespace, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      spec,
    };
    const path = method === 'POST' ? this.#collection : `${this.#collection}/${NAME}`;
    return this.#call({ method, path, body });
  }

  async #call(call: KubeCall): Promise<KubeAnswer | undefined> {
    try {
      return await this.#parts.http.call({ ...call, timeoutMs: CALL_TIMEOUT_MS });
    } catch (err) {
      this.#tell((err as Error).message);
      return undefined;
    }
  }

  #fail({ status, body }: KubeAnswer): void {
    const { message } = (body ?? {}) as { readonly message?: string };
    this.#tell(message === undefined ? `HTTP ${status}` : `HTTP ${status}: ${message}`);
  }

  #tell(reason: string): void {
    if (reason !== this.#problem) this.#parts.log.warn({ lease: NAME, reason }, 'lease not renewed');
    this.#problem = reason;
  }

  #lose(): void {
    this.#own = undefined;
    this.#actsUntilMs = -Infinity;
  }

  #say(): void {
    const { leads } = this;
    if (leads === this.#said) return;
    this.#said = leads;
    this.#parts.log.info({ lease: NAME, holder: this.#parts.identity }, leads ? 'leading' : 'leading no more');
    if (leads) this.#follows.onLeading();
  }
}

/** meta/v1 MicroTime: six digits, no fewer. */
function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}
