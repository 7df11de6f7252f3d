// What is remembered of past resizes, a pod at a time: a refusal or a resize that the node never showed backs off
// exponentially. Bounded: the pod that was touched longest ago is forgotten first.

export interface Attempt {
  /** A patch is under way or not yet confirmed in the cgroup. */
  readonly inFlight: boolean;
  readonly failures: number;
  /** Not before this, CLOCK_BOOTTIME in ms. */
  readonly untilMs: number;
  readonly reason: string;
}

const FIRST_BACKOFF_MS = 5000;
const MOST_BACKOFF_MS = 10 * 60_000;
const MOST_PODS = 4096;

export class Attempts {
  readonly #byPod = new Map<string, Attempt>();
  readonly #mostPods: number;

  constructor(mostPods: number = MOST_PODS) {
    this.#mostPods = mostPods;
  }

  of(podUid: string): Attempt | undefined {
    return this.#byPod.get(podUid);
  }

  get size(): number {
    return this.#byPod.size;
  }

  begin(podUid: string): void {
    const { failures = 0, untilMs = 0 } = this.of(podUid) ?? {};
    this.#put(podUid, { inFlight: true, failures, untilMs, reason: 'a resize of this pod is under way' });
  }

  /** The node has the new limit: nothing to remember. */
  succeeded(podUid: string): void {
    this.#byPod.delete(podUid);
  }

  /** Nothing was asked of the API server after all: earlier failures stay what they were. */
  letBe(podUid: string): void {
    const attempt = this.of(podUid);
    if (attempt === undefined || attempt.failures === 0) this.#byPod.delete(podUid);
    else this.#put(podUid, { ...attempt, inFlight: false });
  }

  failed(podUid: string, reason: string, nowMs: number): Attempt {
    const failures = (this.of(podUid)?.failures ?? 0) + 1;
    const backoffMs = Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
    const attempt = { inFlight: false, failures, untilMs: nowMs + backoffMs, reason };
    this.#put(podUid, attempt);
    return attempt;
  }

  forget(podUid: string): void {
    this.#byPod.delete(podUid);
  }

  #put(podUid: string, attempt: Attempt): void {
    this.#byPod.delete(podUid);
    this.#byPod.set(podUid, attempt);
    if (this.#byPod.size <= this.#mostPods) return;
    for (const [uid, { inFlight }] of this.#byPod) {
      if (inFlight) continue;
      this.#byPod.delete(uid);
      return;
    }
  }
}
