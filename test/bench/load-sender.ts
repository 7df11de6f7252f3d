// One node's pushes to one aggregator, by the agent's own rules: one regular batch in flight, identities once an epoch and
// again when asked for, jitter, back-off. The connection is the agent's own code.
import { BATCH_BINARY_V1, BATCH_PATH } from '../../agent/protocol/batch.ts';
import { encodeBatch } from '../../agent/protocol/codec.ts';
import type { Identity } from '../../agent/protocol/identity.ts';
import { answerOf } from '../../agent/push/answer.ts';
import { backoffMs, jitteredMs } from '../../agent/push/backoff.ts';
import { openConnection } from '../../agent/push/post.ts';
import type { Connection } from '../../agent/push/post.ts';
import type { PodLife } from './cluster-shape.ts';
import type { LoadNode } from './load-node.ts';

export interface Target {
  readonly url: string;
  readonly ca: string;
}

/** Since they were last asked for. */
export interface PushCounts {
  stored: number;
  bytes: number;
  /** 409: sent again with every identity. */
  resent: number;
  failed: number;
  /** The last failure's reason. */
  reason: string;
  /** Of each push, from the first byte to the answer, ms. */
  tookMs: number[];
}

export interface Pace {
  intervalMs: number;
}

const TIMEOUT_MS = 10_000;
/** An agent tells of a young container at once and again a second later. */
const AGAIN_MS = 1000;

export class LoadSender {
  readonly #node: LoadNode;
  readonly #target: Target;
  readonly #token: string;
  readonly #pace: Pace;
  readonly #counts: PushCounts;
  readonly #epoch = Math.floor(performance.timeOrigin % 1e9);
  #sequence = 0;
  #failures = 0;
  /** Refs that the aggregator was not told of. */
  #untold: Identity[];
  #gone: number[] = [];
  #connection: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #held = false;

  constructor(node: LoadNode, target: Target, token: string, pace: Pace, counts: PushCounts) {
    this.#node = node;
    this.#target = target;
    this.#token = token;
    this.#pace = pace;
    this.#counts = counts;
    this.#untold = [...node.identities];
  }

  start(delayMs: number): void {
    this.#held = false;
    this.#pushIn(delayMs);
  }

  /** No regular push until `start`; one that is under way ends. */
  hold(): void {
    this.#held = true;
    clearTimeout(this.#timer);
  }

  /** One now, while held. */
  async once(): Promise<void> {
    await this.#push();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#connection?.close();
  }

  replaced(rows: readonly number[], gone: readonly number[], life: PodLife): void {
    const unknown = new Set(gone);
    this.#gone.push(...gone);
    this.#untold = [...this.#untold.filter(({ ref }) => !unknown.has(ref)), ...this.#node.identitiesOf(rows)];
    void this.#urgent(rows, life);
    setTimeout(() => void this.#urgent(rows, life), AGAIN_MS).unref();
  }

  async #urgent(rows: readonly number[], { incarnation }: PodLife): Promise<void> {
    // A first push is under way, or the aggregator is away: the next regular one tells it.
    if (this.#closed || this.#sequence === 0 || this.#failures > 0 || incarnation === 0) return;
    await this.#send(this.#untold, this.#gone, rows);
  }

  async #push(): Promise<void> {
    const beganMs = performance.now();
    this.#node.read();
    let stored = await this.#send(this.#untold, this.#gone);
    if (stored === 'again') stored = await this.#send(this.#node.identities, []);
    if (this.#closed) return;
    this.#failures = stored === 'stored' ? 0 : this.#failures + 1;
    const spentMs = performance.now() - beganMs;
    const waitMs =
      this.#failures > 0
        ? backoffMs(this.#failures, Math.random())
        : jitteredMs(this.#pace.intervalMs, Math.random()) - spentMs;
    if (!this.#held) this.#pushIn(Math.max(0, waitMs));
  }

  #pushIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#push(), delayMs);
  }

  async #send(
    identities: readonly Identity[],
    gone: readonly number[],
    rows?: readonly number[],
  ): Promise<'stored' | 'again' | 'failed'> {
    const [told, ended] = [new Set(identities), new Set(gone)];
    const body = encodeBatch(
      this.#node.batch(this.#epoch, ++this.#sequence, [...identities], [...gone], rows),
      BATCH_BINARY_V1,
    );
    this.#connection ??= openConnection({ baseUrl: this.#target.url, ca: this.#target.ca, timeoutMs: TIMEOUT_MS });
    const headers = { 'content-type': BATCH_BINARY_V1, authorization: `Bearer ${this.#token}` };
    const beganMs = performance.now();
    const answer = answerOf(await this.#connection.post(BATCH_PATH, headers, body));
    const counts = this.#counts;
    if (answer.kind === 'stored' || answer.kind === 'stale') {
      this.#untold = this.#untold.filter((identity) => !told.has(identity));
      this.#gone = this.#gone.filter((ref) => !ended.has(ref));
      counts.stored++;
      counts.bytes += body.length;
      counts.tookMs.push(performance.now() - beganMs);
      return 'stored';
    }
    if (answer.kind === 'unknown_epoch') {
      counts.resent++;
      return 'again';
    }
    counts.failed++;
    counts.reason = answer.kind === 'failed' ? answer.reason : answer.kind;
    this.#connection?.close();
    this.#connection = undefined;
    return 'failed';
  }
}
