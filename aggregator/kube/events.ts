// Events (core/v1) on the pod, so that `kubectl describe pod` tells what was done to it and why. Said once in each ten minutes of the
// clock, whichever replica says it, bounded per pod and in all as client-go's spam filter is, and never waited for by what they tell of.
import { createHash } from 'node:crypto';
import type { Clock } from '../../agent/runtime/clock.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import { createAllowance } from './allowance.ts';
import type { Allowance } from './allowance.ts';
import type { KubeClient } from './client.ts';
import { Recent } from './recent.ts';
import type { PodRecord } from './records.ts';

export type EventReason =
  | 'HeadroomResize'
  | 'HeadroomResizeConfirmed'
  /** No answer, or one that says nothing of the request. */
  | 'HeadroomResizeFailed'
  /** The API server said no. */
  | 'HeadroomResizeRefused'
  | 'HeadroomResizeSkipped'
  | 'HeadroomResizeUnconfirmed'
  /** Dry run. */
  | 'HeadroomResizePlanned';

export interface PodEvent {
  readonly pod: PodRecord;
  readonly container: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly message: string;
  /** What makes it the same as an earlier one; `message` unless given. */
  readonly sameAs?: string;
}

export interface EventRecorderParts {
  readonly kube: Pick<KubeClient, 'createEvent'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** This process, e.g. its pod's name. */
  readonly instance: string;
}

const REPEAT_MS = 10 * 60_000;
const MOST_REMEMBERED = 4096;
const MOST_QUEUED = 256;
const MOST_PODS = 1024;
const PER_POD = { burst: 20, perSecond: 1 / 60 };
const IN_ALL = { burst: 100, perSecond: 5 };
/** The API server's bound on an Event's message. */
const MOST_CHARACTERS = 1024;

export class EventRecorder {
  readonly #parts: EventRecorderParts;
  readonly #recent = new Recent(REPEAT_MS, MOST_REMEMBERED);
  readonly #inAll = createAllowance(IN_ALL.burst, IN_ALL.perSecond);
  readonly #byPod = new Map<string, Allowance>();
  #queue: { key: string; namespace: string; event: object }[] = [];
  #sending: Promise<void> | undefined;
  #dropped = 0;

  constructor(parts: EventRecorderParts) {
    this.#parts = parts;
  }

  /** Events that were over a bound or that the API server did not take. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Queues the event; a repetition or one over the bounds is left out. */
  record(event: PodEvent): void {
    const { clock } = this.#parts;
    const nowMs = clock.bootTimeMs();
    const key = `${event.pod.uid}/${event.container}/${event.reason}/${event.sameAs ?? event.message}`;
    if (!this.#recent.isNew(key, nowMs)) return;
    if (
      !this.#allowanceOf(event.pod.uid).take(nowMs) ||
      !this.#inAll.take(nowMs) ||
      this.#queue.length >= MOST_QUEUED
    ) {
      this.#dropped += 1;
      return;
    }
    const wallMs = clock.wallTimeMs();
    const name = eventName(event.pod.name, `${key}/${Math.floor(wallMs / REPEAT_MS)}`);
    this.#queue.push({
      key,
      namespace: event.pod.namespace,
      event: eventObject(name, event, wallMs, this.#parts.instance),
    });
    this.#sending ??= this.#send();
  }

  /** What is queued is given up; the call under way is waited for. */
  async close(): Promise<void> {
    this.#queue = [];
    await this.#sending;
  }

  async #send(): Promise<void> {
    const { kube, log } = this.#parts;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const answer = await kube.createEvent(next.namespace, next.event);
      if (answer.kind === 'error') {
        this.#dropped += 1;
        // By its name it can't be there twice, should only the answer have been lost.
        if (answer.passing) this.#recent.forget(next.key);
        log.warn({ reason: answer.reason }, 'event not written');
      }
    }
    this.#sending = undefined;
  }

  #allowanceOf(uid: string): Allowance {
    const allowance = this.#byPod.get(uid) ?? createAllowance(PER_POD.burst, PER_POD.perSecond);
    this.#byPod.delete(uid);
    this.#byPod.set(uid, allowance);
    if (this.#byPod.size > MOST_PODS) this.#byPod.delete(this.#byPod.keys().next().value ?? '');
    return allowance;
  }
}

function eventObject(
  name: string,
  { pod, container, type, reason, message }: PodEvent,
  wallMs: number,
  instance: string,
): object {
  const at = new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: pod.namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: pod.namespace,
      name: pod.name,
      uid: pod.uid,
      fieldPath: `spec.containers{${container}}`,
    },
    type,
    reason,
    message: message.length > MOST_CHARACTERS ? `${message.slice(0, MOST_CHARACTERS - 1)}…` : message,
    source: { component: 'headroom', host: pod.nodeName },
    reportingComponent: 'headroom.dev/aggregator',
    reportingInstance: instance,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}

/** A DNS subdomain of at most 253 characters, the same for the same thing said: of two that say it, one writes the Event. */
function eventName(pod: string, said: string): string {
  const digest = createHash('sha256').update(said).digest('hex').slice(0, 16);
  return `${pod.slice(0, 230).replace(/[-.]+$/, '')}.${digest}`;
}
