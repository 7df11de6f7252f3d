// The aggregator's own CA and serving pair, shared by the replicas through one Secret. Each follows it, renews what is due and keeps
// the bundle where clients read it. Writes are on the version that was read: of two replicas one wins and the other reads what it wrote.
import type { Clock } from '../../agent/runtime/clock.ts';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import { createBackoff } from '../kube/backoff.ts';
import type { Sleep } from '../kube/backoff.ts';
import type { KubeHttp } from '../kube/http.ts';
import { expiresAtMs } from './key-pair.ts';
import type { KeyPair } from './key-pair.ts';
import { bundleOf } from './material.ts';
import type { Material } from './material.ts';
import { namedObjects } from './named-object.ts';
import type { NamedObjects, Refusal, WireObject, WriteAnswer } from './named-object.ts';
import { dueStep, isWhole, takeStep } from './renewal.ts';
import type { RenewalStep } from './renewal.ts';
import { readSecret, secretData } from './secret-form.ts';
import type { StoredMaterial } from './secret-form.ts';
import { ServerClock } from './server-clock.ts';
import { servingNames } from './serving-names.ts';
import { tellAll } from './tell-all.ts';
import { publishBundle } from './trust-bundle.ts';
import type { Publication } from './trust-bundle.ts';

export const SERVING_SECRET = 'headroom-serving-cert';

/** How far behind the other replica, or a newly registered API, this one may be. */
const CHECK_MS = 15_000;
/** How long the API server may be away at the start before the process gives up and is started again. */
const START_MS = 60_000;
/** More than any race between replicas takes. */
const MOST_ATTEMPTS = 5;
/** found or promote, sign, forget: more steps at once would be a circle. */
const MOST_STEPS = 4;

export interface OwnCertificateParts {
  /** Where the Secret, the ConfigMap and the Services are. */
  readonly namespace: string;
  readonly http: Pick<KubeHttp, 'call'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly sleep: Sleep;
}

/** One look at the Secret. `reason` says what the operator can do; `forbidden` won't pass by itself. */
type Round = { readonly kind: 'done' } | { readonly kind: 'failed' | 'forbidden'; readonly reason: string };

export class OwnCertificate {
  readonly #parts: OwnCertificateParts;
  readonly #objects: NamedObjects;
  readonly #time: ServerClock;
  readonly #names: readonly string[];
  readonly #listeners: ((pair: KeyPair) => void)[] = [];
  readonly #closing = new AbortController();
  readonly #said = new Map<string, string>();
  #material: Material | undefined;
  /** Whether the last round found the bundle in place everywhere. */
  #published = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: OwnCertificateParts) {
    this.#parts = parts;
    this.#objects = namedObjects(parts.http);
    this.#time = new ServerClock(parts);
    this.#names = servingNames(parts.namespace);
  }

  /** Resolves with a certificate at hand. @throws CodedError kube_status */
  async start(): Promise<void> {
    const { clock, random, sleep } = this.#parts;
    const startMs = clock.bootTimeMs();
    const backoff = createBackoff(random);
    for (;;) {
      const round = await this.#round();
      if (round.kind === 'done') break;
      this.#say('secret', round.reason);
      if (round.kind === 'forbidden' || clock.bootTimeMs() - startMs >= START_MS)
        throw new CodedError('kube_status', `no serving certificate: ${round.reason}`);
      await sleep(backoff.nextMs(), this.#closing.signal);
    }
    this.#ended = this.#run();
  }

  current(): KeyPair {
    return this.#whole().serving;
  }

  expiresAtMs(): number {
    return expiresAtMs(this.#whole().serving.cert);
  }

  onChange(listener: (pair: KeyPair) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  #whole(): Material {
    if (!this.#material) throw new Error('asked for the serving certificate before start() resolved');
    return this.#material;
  }

  async #run(): Promise<void> {
    const { sleep, random } = this.#parts;
    const { signal } = this.#closing;
    for (;;) {
      await sleep(CHECK_MS * (0.8 + random() * 0.4), signal);
      if (signal.aborted) return;
      const round = await this.#round();
      this.#say('secret', round.kind === 'done' ? undefined : round.reason);
    }
  }

  /** Reads the Secret, renews what is due, serves with what is there now, publishes the bundle. */
  async #round(): Promise<Round> {
    await this.#time.refresh();
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const read = await this.#objects.read(this.#path());
      if (read.kind === 'forbidden' || read.kind === 'failed') return this.#refused(read, 'get');
      const stored = read.kind === 'found' ? this.#stored(read.object) : undefined;
      const { material, steps } = await this.#renewed(stored ?? this.#material);
      // What this process has in memory also mends a Secret that was emptied, broken or deleted.
      if (stored === undefined || steps.length > 0) {
        const answer = await this.#write(read.kind === 'found' ? read.object : undefined, material);
        if (answer.kind === 'conflict' || answer.kind === 'absent') continue;
        if (answer.kind !== 'written') return this.#refused(answer, read.kind === 'found' ? 'patch' : 'create');
        this.#parts.log.info(
          { steps, expires: new Date(expiresAtMs(material.serving.cert)) },
          'serving certificate kept',
        );
      }
      this.#adopt(material);
      const publications = await this.#publish(material);
      // Replicas that start together write at the same time: who was late looks at what is there by now, the Secret too.
      const again = publications.some(({ late }) => late) && attempt + 1 < MOST_ATTEMPTS;
      for (const { object, problem, late } of publications) if (!(late && again)) this.#say(object, problem);
      if (again) continue;
      return { kind: 'done' };
    }
    return {
      kind: 'failed',
      reason: `Secret ${SERVING_SECRET}, or where its CA is published, was written by somebody else each time`,
    };
  }

  #stored({ data }: WireObject): StoredMaterial | undefined {
    const content = readSecret(data);
    this.#say('content', content.kind === 'empty' ? undefined : content.problem);
    return content.kind === 'material' ? content.material : undefined;
  }

  async #renewed(from: StoredMaterial | undefined): Promise<{ material: Material; steps: readonly RenewalStep[] }> {
    let material = from;
    const steps: RenewalStep[] = [];
    while (steps.length < MOST_STEPS) {
      const state = { names: this.#names, nowMs: this.#time.nowMs(), published: this.#published };
      if (dueStep(material, state) === undefined) break;
      // Nothing is made or ended by this machine's clock alone.
      await this.#time.ask();
      state.nowMs = this.#time.nowMs();
      const step = dueStep(material, state);
      if (step === undefined) break;
      material = await takeStep(step, material, state);
      steps.push(step);
    }
    if (!material || !isWhole(material)) throw new Error(`no serving pair after ${steps.join(', ')}`);
    return { material, steps };
  }

  #write(found: WireObject | undefined, material: Material): Promise<WriteAnswer> {
    const data = secretData(material);
    if (found) return this.#objects.patch(this.#path(), found.metadata?.resourceVersion, { data });
    const entries = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
    return this.#objects.create(this.#path(''), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: SERVING_SECRET, namespace: this.#parts.namespace },
      type: 'Opaque',
      data: entries,
    });
  }

  #adopt(material: Material): void {
    const { log } = this.#parts;
    const before = this.#material?.serving;
    this.#material = material;
    if (before?.cert === material.serving.cert && before.key === material.serving.key) return;
    log.info(
      { expires: new Date(this.expiresAtMs()) },
      before ? 'serving certificate replaced' : 'serving certificate ready',
    );
    tellAll(this.#listeners, material.serving, log);
  }

  async #publish(material: Material): Promise<readonly Publication[]> {
    const { namespace, log } = this.#parts;
    const publications = await publishBundle(this.#objects, namespace, bundleOf(material));
    for (const { object, changed } of publications) if (changed) log.info({ object }, 'ca bundle published');
    this.#published = publications.every(({ problem }) => problem === undefined);
    return publications;
  }

  #refused(refusal: Refusal, verb: 'get' | 'patch' | 'create'): Round {
    const { namespace } = this.#parts;
    if (refusal.kind === 'failed') return refusal;
    const right =
      verb === 'create'
        ? `Secret ${SERVING_SECRET} is missing and the right to create secrets in namespace ${namespace} too: apply deploy/base, which ships it`
        : `the right is missing to ${verb} Secret ${namespace}/${SERVING_SECRET} (deploy/base/rbac.yaml grants it)`;
    return { kind: 'forbidden', reason: `${right}: ${refusal.message}` };
  }

  /** Each problem once, and once that it has passed. */
  #say(subject: string, problem: string | undefined): void {
    if (this.#said.get(subject) === problem) return;
    const { log } = this.#parts;
    if (problem === undefined) {
      this.#said.delete(subject);
      log.info({ subject }, 'serving certificate problem passed');
    } else {
      this.#said.set(subject, problem);
      log.warn({ subject, reason: problem }, 'serving certificate problem');
    }
  }

  #path(name: string = SERVING_SECRET): string {
    return `/api/v1/namespaces/${this.#parts.namespace}/secrets${name === '' ? '' : `/${name}`}`;
  }
}
