// The shortage loop: shortage → decision → patch of pods/resize → confirmation in the cgroup. One resize in flight a pod;
// what comes meanwhile for that pod is kept, the newest of each container and resource, and judged again afterwards.
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { Clock } from '../../agent/runtime/clock.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { Recent } from '../kube/recent.ts';
import { createTurns } from '../kube/turns.ts';
import type { NodeRecord, PodRecord } from '../kube/records.ts';
import type { Observation } from '../store/observation.ts';
import { Attempts } from './attempts.ts';
import { Confirmations } from './confirmations.ts';
import type { After, Ending } from './confirmations.ts';
import { decideResize } from './decide.ts';
import type { ResizeOutcome } from './outcome.ts';
import type { ResizeDecision, ResizeTarget } from './decide.ts';
import { describeLegs, legDurations } from './legs.ts';
import type { Legs } from './legs.ts';
import { patchOnce } from './patch-once.ts';
import type { PatchResult } from './patch-once.ts';
import { amountOf, describeAmount } from './resource.ts';
import type { ShortageEvent } from './shortage-event.ts';

/** `off`: shortages are ignored. `dry-run`: decided and told, nothing is patched. */
export type ResizeMode = 'off' | 'dry-run' | 'on';

/** What is counted: a decision against a resize, a plan of a dry run, the API server's answer, the end. */
export type ResizeCount = 'skip' | 'wait' | 'planned' | 'accepted' | 'gone' | ResizeOutcome['kind'];

export interface ResizerParts {
  readonly mode: ResizeMode;
  readonly kube: Pick<KubeClient, 'patchResize' | 'getPod'>;
  /** Whether this replica acts now: asked before each patch. */
  readonly leads: () => boolean;
  /** Projections as the watches left them. */
  readonly node: (name: string) => NodeRecord | undefined;
  readonly pod: (uid: string) => PodRecord | undefined;
  /** The newest reading of a container. */
  readonly observation: (containerId: string) => Observation | undefined;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly count: (resource: Shortage['resource'], outcome: ResizeCount) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tests give their own. */
  readonly after?: After;
}

/** Resizes under way at once, in all. */
const MOST_IN_FLIGHT = 256;
/** Patches on their way at once: as many as the client has connections, so that none waits behind others unseen. */
const MOST_PATCHING = 4;
/** From here on a decision has waited for its turn. */
const WAITED_MS = 5;
/** Shortages kept for a pod that is in flight. */
const MOST_KEPT = 64;
/** An older shortage says nothing of now: the agent repeats what lasts each second. */
const FRESH_MS = 5000;
const SAID_AGAIN_MS = 10 * 60_000;
const MOST_SAID = 4096;

/** A resize from its decision to its end. */
interface Flight {
  readonly event: ShortageEvent;
  /** As accepted: a patch that was made anew may ask for another. */
  target: ResizeTarget;
  readonly reason: string;
  legs: Legs;
  /** ISO 8601, by the wall clock. */
  acceptedAt?: string;
}

export class Resizer {
  readonly #parts: ResizerParts;
  readonly #attempts = new Attempts();
  readonly #confirmations: Confirmations;
  readonly #said = new Recent(SAID_AGAIN_MS, MOST_SAID);
  /** Pod uid → newest shortages by container and resource, for pods in flight. */
  readonly #kept = new Map<string, Map<string, ShortageEvent>>();
  readonly #turns = createTurns(MOST_PATCHING, MOST_IN_FLIGHT);
  readonly #patching = new Set<Promise<void>>();
  #closed = false;

  constructor(parts: ResizerParts) {
    this.#parts = parts;
    this.#confirmations = new Confirmations(parts.observation, parts.after);
  }

  /** Pods with a resize under way. */
  get inFlight(): number {
    return this.#kept.size;
  }

  /** @returns false where this replica does not act: another may, or none does */
  onShortage(event: ShortageEvent): boolean {
    if (this.#parts.mode === 'off' || this.#closed) return true;
    if (!this.#parts.leads()) return false;
    const ageMs = (event.kept ? 0 : event.raisedAgoMs) + this.#parts.clock.bootTimeMs() - event.receivedMonoMs;
    if (!(ageMs <= FRESH_MS)) {
      this.#parts.log.debug({ ...fieldsOf(event), ageMs }, 'shortage is too old');
      return true;
    }
    const kept = this.#kept.get(event.pod.uid);
    const key = `${event.container.containerId}/${event.shortage.resource}`;
    if (!kept) this.#consider(event, event.pod);
    else if (kept.has(key) || kept.size < MOST_KEPT) kept.set(key, event);
    return true;
  }

  /** A new reading of a container by its agent; at least each one whose limits changed. */
  onObserved(containerId: string, observation: Observation): void {
    this.#confirmations.observed(containerId, observation);
  }

  onPodUpsert(pod: PodRecord): void {
    this.#confirmations.podChanged(pod);
  }

  onPodRemoved(uid: string): void {
    this.#confirmations.podRemoved(uid);
    if (!this.#kept.has(uid)) this.#attempts.forget(uid);
  }

  /** Patches under way are waited for; confirmations are not. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#patching);
    this.#confirmations.close();
  }

  #decide(event: ShortageEvent, pod: PodRecord, ignoreAttempts = false): ResizeDecision {
    const { node, clock, leads } = this.#parts;
    // Between a patch that was turned down and the next one the lease may have gone.
    if (!leads()) return { action: 'wait', reason: 'another replica acts', untilMs: clock.bootTimeMs() };
    const container = pod.containers.find(({ name }) => name === event.container.name);
    // The same name may be another incarnation by now: the shortage was not its.
    if (!container || container.containerId !== event.container.containerId) {
      return { action: 'skip', code: 'container-state', reason: 'the container that ran short is gone' };
    }
    return decideResize({
      pod,
      container,
      shortage: event.shortage,
      observation: event.observation,
      node: node(pod.nodeName),
      attempt: ignoreAttempts ? undefined : this.#attempts.of(pod.uid),
      nowMs: clock.bootTimeMs(),
    });
  }

  #consider(event: ShortageEvent, pod: PodRecord): void {
    const decision = this.#decide(event, pod);
    const legs = {
      raisedAgoMs: event.raisedAgoMs,
      receivedMs: event.receivedMonoMs,
      decidedMs: this.#parts.clock.bootTimeMs(),
    };
    if (decision.action !== 'resize') return this.#tellNoResize(event, decision);
    const flight: Flight = { event, target: decision.target, reason: decision.reason, legs };
    if (this.#parts.mode === 'dry-run') return this.#tellPlan(flight);
    if (this.#kept.size >= MOST_IN_FLIGHT) {
      const reason = `${MOST_IN_FLIGHT} resizes are under way`;
      return this.#tellNoResize(event, { action: 'wait', reason, untilMs: legs.decidedMs + FRESH_MS });
    }
    this.#kept.set(pod.uid, new Map());
    this.#attempts.begin(pod.uid);
    const patching = this.#patch(flight, pod).catch((err: unknown) =>
      this.#fail(flight, 'error', `bug: ${String(err)}`, err),
    );
    this.#patching.add(patching);
    void patching.finally(() => this.#patching.delete(patching));
  }

  async #patch(flight: Flight, pod: PodRecord): Promise<void> {
    const { clock, log } = this.#parts;
    const { event } = flight;
    const result = await this.#patchInTurn(flight, pod);
    const readMs = result.kind === 'accepted' ? result.readMs : 0;
    // The same instant on both clocks: whatever stands between two readings of them can be preempted.
    const [acceptedMs, acceptedWallMs] = [clock.bootTimeMs() - readMs, clock.wallTimeMs() - readMs];
    flight.legs = { ...flight.legs, acceptedMs };
    switch (result.kind) {
      case 'accepted': {
        const { containerId } = event.container;
        this.#count(event, 'accepted');
        flight.target = result.target;
        flight.acceptedAt = new Date(acceptedWallMs).toISOString();
        this.#tell('HeadroomResize', { ...flight, reason: result.reason ?? flight.reason });
        const accepted = { pod: result.pod, containerId, target: result.target };
        this.#confirmations.await(accepted, (ending) => this.#end(flight, ending));
        // The node can be faster than the patch's answer.
        const latest = this.#parts.observation(containerId);
        if (latest) this.#confirmations.observed(containerId, latest);
        // The pod's end may have been told while the patch was on its way.
        if (!this.#parts.pod(pod.uid)) this.#confirmations.podRemoved(pod.uid);
        return;
      }
      case 'gone':
        log.info(fieldsOf(event), 'pod ended before its resize');
        this.#count(event, 'gone');
        this.#attempts.forget(pod.uid);
        return this.#land(pod.uid);
      case 'not-needed':
        if (result.decision.action === 'wait') this.#attempts.letBe(pod.uid);
        else this.#attempts.succeeded(pod.uid);
        this.#tellNoResize(event, result.decision);
        return this.#land(pod.uid);
      case 'refused':
      case 'error':
        return this.#fail(flight, result.kind, result.reason);
    }
  }

  /** What waited for its turn is decided anew: the lease, the pod or its use may be others by then. */
  async #patchInTurn({ event, target, legs }: Flight, pod: PodRecord): Promise<PatchResult> {
    const { kube, clock } = this.#parts;
    const again = (fresh: PodRecord): ResizeDecision => this.#decide(event, fresh, true);
    if (!(await this.#turns.begin(FRESH_MS))) {
      const reason = `${MOST_PATCHING} patches are on their way, others wait before it`;
      return { kind: 'not-needed', decision: { action: 'wait', reason, untilMs: clock.bootTimeMs() } };
    }
    try {
      if (clock.bootTimeMs() - legs.decidedMs < WAITED_MS) return await patchOnce(kube, pod, target, again);
      const now = this.#parts.pod(pod.uid) ?? pod;
      const decision = again(now);
      if (decision.action !== 'resize') return { kind: 'not-needed', decision };
      const result = await patchOnce(kube, now, decision.target, again);
      return result.kind === 'accepted' ? { ...result, reason: result.reason ?? decision.reason } : result;
    } finally {
      this.#turns.end();
    }
  }

  #fail(flight: Flight, outcome: 'refused' | 'error', why: string, err?: unknown): void {
    this.#count(flight.event, outcome);
    const { log, events, clock } = this.#parts;
    const { pod, container } = flight.event;
    const { untilMs, failures } = this.#attempts.failed(pod.uid, why, clock.bootTimeMs());
    const backoffMs = Math.round(untilMs - clock.bootTimeMs());
    log.warn(
      { ...fieldsOf(flight.event), ...legDurations(flight.legs), reason: why, failures, backoffMs, err },
      'resize not accepted',
    );
    const said = { pod, container: container.name, type: 'Warning', sameAs: withoutNumbers(why) } as const;
    const reason = outcome === 'refused' ? 'HeadroomResizeRefused' : 'HeadroomResizeFailed';
    events.record({
      ...said,
      reason,
      message: `${flight.reason}: ${outcome === 'refused' ? 'refused' : 'failed'}: ${why}`,
    });
    this.#land(pod.uid);
  }

  #end(flight: Flight, ending: Ending): void {
    const { log, events, clock } = this.#parts;
    const { pod, container } = flight.event;
    const fields = fieldsOf(flight.event);
    const count = 'outcome' in ending ? ending.outcome.kind : ending.kind === 'applied' ? 'applied' : 'gone';
    this.#count(flight.event, count);
    if (ending.kind === 'applied') {
      flight.legs = { ...flight.legs, confirmedMs: clock.bootTimeMs() };
      this.#attempts.succeeded(pod.uid);
      this.#tell('HeadroomResizeConfirmed', flight);
    } else if (ending.kind === 'pod-gone') {
      this.#attempts.forget(pod.uid);
      log.info(fields, 'pod ended before its resize was confirmed');
    } else {
      const { kind, reason } = ending.outcome;
      const { failures } = this.#attempts.failed(pod.uid, reason, clock.bootTimeMs());
      log.warn({ ...fields, ...legDurations(flight.legs), outcome: kind, reason, failures }, 'resize unconfirmed');
      const message = `${flight.reason}: ${kind}: ${reason}`;
      const said = { pod, container: container.name, type: 'Warning', sameAs: `${kind} ${reason}` } as const;
      events.record({ ...said, reason: 'HeadroomResizeUnconfirmed', message });
    }
    this.#land(pod.uid);
  }

  /** The pod is free again: what was kept for it is judged if it is still new. */
  #land(uid: string): void {
    const kept = this.#kept.get(uid);
    this.#kept.delete(uid);
    const pod = this.#parts.pod(uid);
    if (!kept || !pod || this.#closed) return;
    for (const event of kept.values()) this.onShortage({ ...event, pod });
  }

  #tell(reason: 'HeadroomResize' | 'HeadroomResizeConfirmed', flight: Flight): void {
    const { log, events } = this.#parts;
    const { pod, container } = flight.event;
    const fields = {
      ...fieldsOf(flight.event),
      ...legDurations(flight.legs),
      acceptedAt: flight.acceptedAt,
      reason: flight.reason,
      target: flight.target.limits,
    };
    log.info(fields, reason === 'HeadroomResize' ? 'resize accepted' : 'resize confirmed');
    const legs = describeLegs(flight.legs);
    const message =
      reason === 'HeadroomResize'
        ? `${flight.reason} (${legs})`
        : `the limit is in force: ${describeTarget(flight.target)} (${legs})`;
    events.record({ pod, container: container.name, type: 'Normal', reason, message });
  }

  #count({ shortage }: ShortageEvent, outcome: ResizeCount): void {
    this.#parts.count(shortage.resource, outcome);
  }

  #tellPlan({ event, target, reason, legs }: Flight): void {
    this.#count(event, 'planned');
    const { log, events, clock } = this.#parts;
    const { pod, container, shortage } = event;
    const sameAs = `${shortage.resource} ${JSON.stringify(target.limits)}`;
    const isNew = this.#said.isNew(`${pod.uid}/${container.name}/${sameAs}`, clock.bootTimeMs());
    const fields = { ...fieldsOf(event), ...legDurations(legs), reason, target: target.limits };
    log[isNew ? 'info' : 'debug'](fields, 'resize planned');
    const message = `dry run, nothing is changed: ${reason} (${describeLegs(legs)})`;
    events.record({ pod, container: container.name, type: 'Normal', reason: 'HeadroomResizePlanned', message, sameAs });
  }

  #tellNoResize(event: ShortageEvent, decision: Exclude<ResizeDecision, { action: 'resize' }>): void {
    const { log, events, clock } = this.#parts;
    const { pod, container, shortage } = event;
    const { action, reason } = decision;
    this.#count(event, action);
    const fields = { ...fieldsOf(event), action, reason };
    const asked = action === 'skip' && decision.code !== 'not-asked';
    const isNew =
      asked && this.#said.isNew(`${pod.uid}/${container.name}/${shortage.resource}/${reason}`, clock.bootTimeMs());
    log[isNew ? 'info' : 'debug'](fields, 'shortage not answered');
    if (!isNew) return;
    const message = `${shortage.resource} ${shortage.kind}: ${reason}`;
    const said = { pod, container: container.name, type: 'Warning', sameAs: `${shortage.resource} ${reason}` } as const;
    events.record({ ...said, reason: 'HeadroomResizeSkipped', message });
  }
}

function fieldsOf({ pod, container, node, shortage }: ShortageEvent): Record<string, unknown> {
  const { resource, kind, need, limit, secondsToHarm } = shortage;
  return {
    pod: `${pod.namespace}/${pod.name}`,
    container: container.name,
    uid: pod.uid,
    node,
    shortage: { resource, kind, need, limit, secondsToHarm },
  };
}

/** A refusal names the limit that was asked for, which grows with the need and its unit with it: it is the same refusal. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\d[\d.]*(?:[KMGTPE]i?|[km])?/g, '#');
}

function describeTarget({ limits }: ResizeTarget): string {
  return (['memory', 'cpu'] as const)
    .flatMap((resource) => {
      const amount = amountOf(limits, resource);
      return amount === undefined ? [] : [`${resource} ${describeAmount(resource, amount)}`];
    })
    .join(', ');
}
