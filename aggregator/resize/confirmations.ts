// Resizes that the API server accepted and that the node has still to show: ended by the agent's reading of the cgroup, by
// the kubelet's word that it can't be done, by the pod's end or by time. One a pod, bounded.
import type { PodRecord } from '../kube/records.ts';
import type { Observation } from '../store/observation.ts';
import type { ResizeTarget } from './decide.ts';
import { resizeOutcome } from './outcome.ts';
import type { ResizeOutcome } from './outcome.ts';

export interface Accepted {
  /** As the patch answered. */
  readonly pod: PodRecord;
  readonly containerId: string;
  readonly target: ResizeTarget;
}

export type Ending =
  | { readonly kind: 'applied' }
  /** The kubelet refuses it, or the spec was changed by somebody else. */
  | { readonly kind: 'failed'; readonly outcome: ResizeOutcome }
  | { readonly kind: 'unconfirmed'; readonly outcome: ResizeOutcome }
  | { readonly kind: 'pod-gone' };

/** Runs `act` after `ms` unless cancelled. */
export type After = (ms: number, act: () => void) => () => void;

export const CONFIRM_TIMEOUT_MS = 60_000;

interface Waiting {
  readonly accepted: Accepted;
  /** Another than at the patch once the container was restarted: it starts with the new limit. */
  containerId: string;
  pod: PodRecord;
  observation: Observation | undefined;
  readonly cancel: () => void;
  readonly onEnd: (ending: Ending) => void;
}

export class Confirmations {
  readonly #latest: (containerId: string) => Observation | undefined;
  readonly #after: After;
  readonly #byPod = new Map<string, Waiting>();
  readonly #podOfContainer = new Map<string, string>();

  /** @param latest the newest reading of a container */
  constructor(latest: (containerId: string) => Observation | undefined, after: After = afterTimeout) {
    this.#latest = latest;
    this.#after = after;
  }

  /** `onEnd` is called once, never from within this call. */
  await(accepted: Accepted, onEnd: (ending: Ending) => void): void {
    const { pod, containerId } = accepted;
    const cancel = this.#after(CONFIRM_TIMEOUT_MS, () => this.#timedOut(pod.uid));
    this.#byPod.set(pod.uid, { accepted, containerId, pod, observation: undefined, cancel, onEnd });
    this.#podOfContainer.set(containerId, pod.uid);
  }

  observed(containerId: string, observation: Observation): void {
    const waiting = this.#byPod.get(this.#podOfContainer.get(containerId) ?? '');
    if (!waiting) return;
    waiting.observation = observation;
    this.#judge(waiting);
  }

  podChanged(pod: PodRecord): void {
    const waiting = this.#byPod.get(pod.uid);
    // The watch may still deliver what was before the patch.
    if (!waiting || pod.generation < waiting.accepted.pod.generation) return;
    waiting.pod = pod;
    this.#followRestart(waiting);
    this.#judge(waiting);
  }

  podRemoved(uid: string): void {
    const waiting = this.#byPod.get(uid);
    if (waiting) this.#end(waiting, { kind: 'pod-gone' });
  }

  /** Forgets everything without a word. */
  close(): void {
    for (const { cancel } of this.#byPod.values()) cancel();
    this.#byPod.clear();
    this.#podOfContainer.clear();
  }

  #followRestart(waiting: Waiting): void {
    const { accepted, pod } = waiting;
    const { containerId = '' } = pod.containers.find(({ name }) => name === accepted.target.container) ?? {};
    if (containerId === '' || containerId === waiting.containerId) return;
    this.#podOfContainer.delete(waiting.containerId);
    this.#podOfContainer.set(containerId, pod.uid);
    waiting.containerId = containerId;
    waiting.observation = this.#latest(containerId);
  }

  #judge(waiting: Waiting): void {
    const outcome = outcomeOf(waiting);
    if (outcome.kind === 'applied') this.#end(waiting, { kind: 'applied' });
    else if (outcome.kind === 'infeasible' || outcome.kind === 'superseded')
      this.#end(waiting, { kind: 'failed', outcome });
  }

  #timedOut(uid: string): void {
    const waiting = this.#byPod.get(uid);
    if (waiting) this.#end(waiting, { kind: 'unconfirmed', outcome: outcomeOf(waiting) });
  }

  #end(waiting: Waiting, ending: Ending): void {
    const { accepted, cancel, onEnd } = waiting;
    cancel();
    this.#byPod.delete(accepted.pod.uid);
    this.#podOfContainer.delete(waiting.containerId);
    onEnd(ending);
  }
}

function outcomeOf({ accepted, pod, observation }: Waiting): ResizeOutcome {
  return resizeOutcome(pod, accepted.target, observation, accepted.pod.generation);
}

function afterTimeout(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
