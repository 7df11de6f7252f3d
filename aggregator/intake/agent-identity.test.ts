import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TokenVerdict } from '../kube/token-review.ts';
import type { AgentVerdict } from './agent-identity.ts';
import { createAgentIdentities } from './agent-identity.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const WALL_MS = Date.parse('2026-11-23T12:00:00Z');
const AWAY: TokenVerdict = { kind: 'unavailable', reason: 'no answer in time' };

interface TokenOptions {
  readonly node?: string;
  readonly audience?: string;
  readonly livesMs?: number;
  readonly serial?: number;
}

function tokenOf({ node = 'n1', audience = 'headroom', livesMs = 60 * MINUTE, serial = 0 }: TokenOptions = {}): string {
  const claims = {
    aud: [audience],
    exp: (WALL_MS + livesMs) / 1000,
    serial,
    'kubernetes.io': { node: { name: node } },
  };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
}

function verdictFor(node: string, name = 'system:serviceaccount:headroom-system:headroom-agent'): TokenVerdict {
  const extra = { 'authentication.kubernetes.io/node-name': node === '' ? [] : [node] };
  return { kind: 'authenticated', user: { name, uid: '', groups: [], extra } };
}

function vouching(first: TokenVerdict = verdictFor('n1')) {
  const reviewed: string[] = [];
  let nowMs = 0;
  let verdict: (token: string) => TokenVerdict = () => first;
  const agents = createAgentIdentities({
    reviewToken: (token) => {
      reviewed.push(token);
      return Promise.resolve(verdict(token));
    },
    audience: 'headroom',
    serviceAccount: 'headroom-system:headroom-agent',
    monoMs: () => nowMs,
    wallMs: () => WALL_MS + nowMs,
    random: () => 0,
  });
  return {
    reviewed,
    answers: (next: TokenVerdict | ((token: string) => TokenVerdict)) =>
      (verdict = typeof next === 'function' ? next : () => next),
    at: (ms: number) => (nowMs = ms),
    identify: (token = tokenOf()) => agents.identify(`Bearer ${token}`),
    agents,
  };
}

const N1: AgentVerdict = { kind: 'agent', node: 'n1' };

/** Reviews in the background have ended. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('an agent', () => {
  it('is known by its token, which is reviewed once and then known without a promise', async () => {
    const { identify, reviewed } = vouching();
    expect(await identify()).toEqual(N1);
    expect(identify()).toEqual(N1);
    expect(reviewed).toHaveLength(1);
  });

  it('is reviewed once when it comes many times at once, and each of 1,000 once', async () => {
    const { identify, reviewed, answers } = vouching();
    answers((token) =>
      verdictFor(String(JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()).serial)),
    );
    const pushes = Array.from({ length: 3000 }, async (_, at) => identify(tokenOf({ serial: at % 1000 })));
    const nodes = (await Promise.all(pushes)).map((verdict) => (verdict.kind === 'agent' ? verdict.node : ''));
    expect(nodes).toEqual(Array.from({ length: 3000 }, (_, at) => String(at % 1000)));
    expect(reviewed).toHaveLength(1000);
  });

  it('is confirmed again after ten minutes, without its push waiting for it', async () => {
    const { identify, reviewed, at } = vouching();
    await identify();
    at(10 * MINUTE);
    expect(identify()).toEqual(N1);
    await settled();
    expect(reviewed).toHaveLength(2);
    at(20 * MINUTE - 1);
    expect(identify()).toEqual(N1);
    await settled();
    expect(reviewed).toHaveLength(2);
  });

  it('whose token was revoked is refused right after that', async () => {
    const { identify, at, answers } = vouching();
    await identify();
    answers({ kind: 'rejected', reason: 'the pod is gone' });
    at(10 * MINUTE);
    expect(identify()).toEqual(N1);
    await settled();
    expect(identify()).toMatchObject({ kind: 'refused', code: 'unauthenticated' });
  });

  it('that comes back after a while waits for its review', async () => {
    const { identify, at, answers } = vouching();
    await identify();
    answers({ kind: 'rejected', reason: 'the pod is gone' });
    at(12 * MINUTE);
    expect(await identify()).toMatchObject({ kind: 'refused', code: 'unauthenticated' });
  });

  it('goes on while the API server is away, until its token ends', async () => {
    const { identify, at, answers } = vouching();
    const token = tokenOf({ livesMs: 30 * MINUTE });
    await identify(token);
    answers(AWAY);
    for (let ms = 10 * MINUTE; ms < 30 * MINUTE; ms += 5 * SECOND) {
      at(ms);
      expect(identify(token)).toEqual(N1); // and never waits
      await settled();
    }
    at(30 * MINUTE);
    expect(await identify(token)).toMatchObject({ code: 'unavailable' });
  });

  it('asks an API server that is away again each ten seconds, not at each push', async () => {
    const { identify, at, answers, reviewed } = vouching();
    await identify();
    answers(AWAY);
    for (let ms = 10 * MINUTE; ms < 11 * MINUTE; ms += SECOND) {
      at(ms);
      void identify();
      await settled();
    }
    expect(reviewed).toHaveLength(1 + 6);
  });

  it('is never known for more than an hour unconfirmed, whatever its token says', async () => {
    const { identify, at, answers } = vouching();
    const token = tokenOf({ livesMs: 365 * 24 * 60 * MINUTE });
    await identify(token);
    answers(AWAY);
    at(60 * MINUTE - 1);
    expect(await identify(token)).toEqual(N1);
    at(60 * MINUTE);
    expect(await identify(token)).toMatchObject({ code: 'unavailable' });
  });
});

describe('a push', () => {
  it('of someone unknown while the API server is away is not refused for good', async () => {
    const { identify, answers, reviewed } = vouching(AWAY);
    expect(await identify()).toMatchObject({
      code: 'unavailable',
      message: "the token can't be reviewed now: no answer in time",
      claimedNode: 'n1',
    });
    answers(verdictFor('n1'));
    expect(await identify()).toEqual(N1);
    expect(reviewed).toHaveLength(2);
  });

  it.each([
    [
      'another ServiceAccount',
      verdictFor('n1', 'system:serviceaccount:headroom-system:default'),
      'forbidden',
      'only "system:serviceaccount:headroom-system:headroom-agent" may push',
    ],
    ['a person', verdictFor('n1', 'headroom-system:headroom-agent'), 'forbidden', 'may push'],
    ['a token without a node', verdictFor(''), 'forbidden', 'Kubernetes 1.30 or later'],
    [
      'a token that is wrong',
      { kind: 'rejected', reason: 'token has expired' } as const,
      'unauthenticated',
      'has expired',
    ],
  ])('of %s is refused, and reviewed again only after ten seconds', async (_who, verdict, code, text) => {
    const { identify, reviewed, at, answers } = vouching(verdict);
    const first = await identify();
    expect(first).toMatchObject({ kind: 'refused', code, message: expect.stringContaining(text) });
    answers(verdictFor('n1'));
    at(10 * SECOND - 1);
    expect(identify()).toEqual(first);
    at(10 * SECOND);
    expect(await identify()).toEqual(N1);
    expect(reviewed).toHaveLength(2);
  });

  it('without a token, with no ServiceAccount’s or for another audience is refused without a review', () => {
    const { agents, identify, reviewed } = vouching();
    expect(agents.identify(undefined)).toMatchObject({ message: 'the bearer token of an agent is needed' });
    expect(identify('opaque')).toMatchObject({ message: 'the bearer token is not one of a ServiceAccount' });
    expect(identify(tokenOf({ audience: 'https://kubernetes.default.svc' }))).toMatchObject({
      code: 'unauthenticated',
      message:
        'the token is for the audience "https://kubernetes.default.svc": the agent needs a projected token for "headroom"',
    });
    expect(reviewed).toEqual([]);
  });

  it('of strangers, however many, makes nobody forgotten', async () => {
    const { identify, answers, reviewed } = vouching();
    await identify();
    answers({ kind: 'rejected', reason: 'no' });
    for (let serial = 1; serial <= 10_000; serial++) await identify(tokenOf({ serial }));
    expect(identify()).toEqual(N1);
    expect(reviewed).toHaveLength(10_001);
  });
});

describe('what is known', () => {
  it('never speaks for a node that the API server did not vouch for, in any order of events', async () => {
    const step = fc.record({
      token: fc.integer({ min: 0, max: 3 }),
      verdict: fc.constantFrom('yes', 'no', 'away'),
      waitMs: fc.constantFrom(0, SECOND, 10 * SECOND, 5 * MINUTE, 11 * MINUTE),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { identify, answers, at } = vouching();
        const vouchedMs = new Map<number, number>();
        const outcome = new Map<number, 'yes' | 'no'>();
        let nowMs = 0;
        for (const { token, verdict, waitMs } of steps) {
          nowMs += waitMs;
          at(nowMs);
          answers(() => {
            if (verdict === 'away') return AWAY;
            outcome.set(token, verdict);
            if (verdict === 'yes') vouchedMs.set(token, nowMs);
            return verdict === 'yes' ? verdictFor(`n${token}`) : { kind: 'rejected', reason: 'no' };
          });
          const before = outcome.get(token);
          const answer = await identify(tokenOf({ serial: token }));
          await settled();
          if (answer.kind !== 'agent') continue;
          expect(answer.node).toBe(`n${token}`);
          expect(before === 'yes' || outcome.get(token) === 'yes').toBe(true);
          expect(nowMs - (vouchedMs.get(token) ?? -Infinity)).toBeLessThan(60 * MINUTE + 1);
        }
      }),
      { numRuns: 200 },
    );
  });
});
