import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../agent/runtime/logger.ts';
import type { KubeAnswer, KubeCall } from './http.ts';
import { createReview } from './review.ts';
import type { ReviewOptions } from './review.ts';

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
const YES: KubeAnswer = { status: 201, retryAfterSeconds: 0, body: { status: { authenticated: true } } };

function refusal(status: number, reason: string, retryAfterSeconds = 0): KubeAnswer {
  return { status, retryAfterSeconds, body: { kind: 'Status', reason, message: `said ${reason}` } };
}

function reset(): Error {
  return Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
}

function reviewing(answers: readonly (KubeAnswer | Error)[], more: Partial<ReviewOptions> = {}) {
  const calls: KubeCall[] = [];
  const sleptMs: number[] = [];
  let nowMs = 0;
  const review = createReview({
    http: {
      call: (call) => {
        const answer = answers[calls.length] ?? YES;
        calls.push(call);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    log: silentLogger,
    nowMs: () => nowMs,
    random: () => 0,
    sleep: (ms) => {
      sleptMs.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    ...more,
  });
  return { review, calls, sleptMs };
}

describe('createReview', () => {
  it('posts the review and hands back its status', async () => {
    const { review, calls } = reviewing([]);
    expect(await review(PATH, { spec: 1 })).toEqual({ kind: 'answered', status: { authenticated: true } });
    expect(calls).toEqual([{ method: 'POST', path: PATH, body: { spec: 1 }, timeoutMs: 10_000 }]);
  });

  it.each([
    ['a broken connection', reset()],
    ['an internal error', refusal(500, 'InternalError')],
    ['a time-out of the server', refusal(504, 'Timeout')],
    ['too many requests', refusal(429, 'TooManyRequests')],
  ])('asks again after %s, with growing pauses', async (_what, answer) => {
    const { review, sleptMs } = reviewing([answer, answer]);
    expect(await review(PATH, {})).toMatchObject({ kind: 'answered' });
    expect(sleptMs).toEqual([500, 750]);
  });

  it('gives up after five attempts', async () => {
    const { review, calls, sleptMs } = reviewing(Array.from({ length: 9 }, () => refusal(500, 'InternalError')));
    expect(await review(PATH, {})).toEqual({ kind: 'unavailable', reason: 'HTTP 500: said InternalError' });
    expect([calls.length, sleptMs]).toEqual([5, [500, 750, 1125, 1687.5]]);
  });

  it.each([
    ['a missing right', refusal(403, 'Forbidden'), 'HTTP 403: said Forbidden'],
    ['a refused connection', new Error('connect ECONNREFUSED'), 'Error: connect ECONNREFUSED'],
    ['something else than a review', { ...YES, body: 'hello' }, 'the answer is no review'],
  ])('takes %s for an answer that another try does not change', async (_what, answer, reason) => {
    const { review, calls } = reviewing([answer]);
    expect(await review(PATH, {})).toEqual({ kind: 'unavailable', reason });
    expect(calls).toHaveLength(1);
  });

  it('never takes longer than it may, whatever the server asks to wait', async () => {
    const { review, calls, sleptMs } = reviewing([refusal(429, 'TooManyRequests', 30)]);
    expect(await review(PATH, {})).toMatchObject({ kind: 'unavailable' });
    expect([calls.length, sleptMs]).toEqual([1, []]);
  });

  it('asks few at once, in the order they came, and turns away those for whom there is no room to wait', async () => {
    const waiting: ((answer: KubeAnswer) => void)[] = [];
    let most = 0;
    const review = createReview({
      http: {
        call: () =>
          new Promise<KubeAnswer>((resolve) => {
            waiting.push(resolve);
            most = Math.max(most, waiting.length);
          }),
      },
      log: silentLogger,
      mostAtOnce: 2,
      mostWaiting: 3,
    });
    const ended: number[] = [];
    const all = [0, 1, 2, 3, 4, 5].map(async (each) => {
      const reviewed = await review(PATH, {});
      ended.push(each);
      return reviewed.kind === 'unavailable' ? reviewed.reason : reviewed.kind;
    });
    while (ended.length < 6) {
      waiting.shift()?.(YES);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(all)).toEqual([...Array<string>(5).fill('answered'), 'too many reviews at once']);
    expect([most, ended]).toEqual([2, [5, 0, 1, 2, 3, 4]]);
  });

  it('says a failure in the log once a minute, not at each request', async () => {
    const lines: unknown[] = [];
    const log = { ...silentLogger, warn: (fields: unknown) => lines.push(fields) } as typeof silentLogger;
    const { review } = reviewing(
      Array.from({ length: 5 }, () => refusal(403, 'Forbidden')),
      { log },
    );
    for (let i = 0; i < 5; i++) await review(PATH, {});
    expect(lines).toEqual([{ path: PATH, reason: 'HTTP 403: said Forbidden' }]);
  });
});
