// Questions to the API server about others (TokenReview, SubjectAccessReview): bounded in number and time, asked again where
// another try may help. Contract: k8s.io/apiserver util/webhook: DefaultShouldRetry, 500 ms × 1.5, 5 attempts, 10 s in all.
import type { Logger } from '../../agent/runtime/logger.ts';
import { sleepUnlessAborted } from './backoff.ts';
import type { Sleep } from './backoff.ts';
import type { KubeAnswer, KubeHttp } from './http.ts';
import { Recent } from './recent.ts';
import { createTurns } from './turns.ts';
import type { WireStatus } from './wire.ts';

export type Reviewed =
  | { readonly kind: 'answered'; readonly status: Readonly<Record<string, unknown>> }
  /** Nobody knows: no answer in time, or the API server would not say. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** @param path of the collection; `review` is posted there and its status is the answer. Never rejects. */
export type Review = (path: string, review: object) => Promise<Reviewed>;

export interface ReviewOptions {
  readonly http: Pick<KubeHttp, 'call'>;
  readonly log: Logger;
  /** Waiting for a turn, all attempts and the pauses between them. */
  readonly timeoutMs?: number;
  readonly mostAtOnce?: number;
  readonly mostWaiting?: number;
  readonly attempts?: number;
  /** Monotonic, ms. Tests give their own, as the two below. */
  readonly nowMs?: () => number;
  readonly random?: () => number;
  readonly sleep?: Sleep;
}

const TIMEOUT_MS = 10_000;
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 500;
const PAUSE_FACTOR = 1.5;
const PAUSE_JITTER = 0.2;
/** 200 reviews a second at the API server's usual 5–20 ms. */
const MOST_AT_ONCE = 4;
const MOST_WAITING = 1000;
const SAY_AGAIN_MS = 60_000;
const MOST_REASONS = 32;
const NEVER = new AbortController().signal;

type Attempt = Reviewed & { readonly retryAfterMs?: number };

export function createReview(options: ReviewOptions): Review {
  const { timeoutMs = TIMEOUT_MS, mostAtOnce = MOST_AT_ONCE, mostWaiting = MOST_WAITING } = options;
  const nowMs = options.nowMs ?? (() => performance.now());
  const turns = createTurns(mostAtOnce, mostWaiting);
  const said = new Recent(SAY_AGAIN_MS, MOST_REASONS);
  return async (path, review) => {
    const endMs = nowMs() + timeoutMs;
    if (!(await turns.begin(timeoutMs))) return { kind: 'unavailable', reason: 'too many reviews at once' };
    try {
      const { retryAfterMs: _, ...reviewed } = await attempts(options, path, review, () => endMs - nowMs());
      if (reviewed.kind === 'unavailable' && said.isNew(`${path} ${reviewed.reason}`, nowMs())) {
        options.log.warn({ path, reason: reviewed.reason }, 'review failed');
      }
      return reviewed;
    } finally {
      turns.end();
    }
  };
}

async function attempts(
  { http, attempts: most = ATTEMPTS, random = Math.random, sleep = sleepUnlessAborted }: ReviewOptions,
  path: string,
  review: object,
  leftMs: () => number,
): Promise<Attempt> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let tried = 1; ; tried++) {
    const attempt = await once(http, path, review, leftMs());
    if (attempt.kind === 'answered' || attempt.retryAfterMs === undefined || tried === most) return attempt;
    const waitMs = Math.max(attempt.retryAfterMs, pauseMs * (1 + random() * PAUSE_JITTER));
    if (waitMs >= leftMs()) return attempt;
    await sleep(waitMs, NEVER);
    pauseMs *= PAUSE_FACTOR;
  }
}

async function once(http: Pick<KubeHttp, 'call'>, path: string, review: object, leftMs: number): Promise<Attempt> {
  if (leftMs <= 0) return { kind: 'unavailable', reason: 'no answer in time' };
  try {
    const answer = await http.call({ method: 'POST', path, body: review, timeoutMs: Math.ceil(leftMs) });
    return judged(answer);
  } catch (err) {
    const { name, message, code } = err as Error & { readonly code?: string };
    const reason = name === 'TimeoutError' ? 'no answer in time' : `${name}: ${message}`;
    const isReset = code === 'ECONNRESET' || code === 'UND_ERR_SOCKET';
    return { kind: 'unavailable', reason, ...(isReset ? { retryAfterMs: 0 } : {}) };
  }
}

function judged({ status, body, retryAfterSeconds }: KubeAnswer): Attempt {
  const { status: given } = (body ?? {}) as { readonly status?: unknown };
  if (status < 300) {
    return typeof given === 'object' && given !== null
      ? { kind: 'answered', status: given as Record<string, unknown> }
      : { kind: 'unavailable', reason: 'the answer is no review' };
  }
  const { message = '', reason: word = '' } = (body ?? {}) as WireStatus;
  const reason = `HTTP ${status}${message === '' ? '' : `: ${message}`}`;
  const again =
    status === 429 ||
    retryAfterSeconds > 0 ||
    word === 'InternalError' ||
    word === 'Timeout' ||
    word === 'ServerTimeout';
  return { kind: 'unavailable', reason, ...(again ? { retryAfterMs: retryAfterSeconds * 1000 } : {}) };
}
