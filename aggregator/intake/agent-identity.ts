// For which node a push may speak: its bearer token, reviewed by the API server (TokenReview with our audience), names the
// ServiceAccount and, since the token is bound to a pod (KEP 4193), that pod's node. What was confirmed counts for minutes and is
// confirmed again in the background; while the API server can't be asked it counts until the token ends, but never for long.
import { hash } from 'node:crypto';
import { AnswerCache } from '../kube/answer-cache.ts';
import type { ReviewToken, TokenVerdict } from '../kube/token-review.ts';
import type { User } from '../kube/user.ts';
import { readClaims } from './agent-token.ts';
import { bearerToken } from './bearer.ts';

export type AgentVerdict =
  | { readonly kind: 'agent'; readonly node: string }
  | {
      readonly kind: 'refused';
      readonly code: 'unauthenticated' | 'forbidden' | 'unavailable';
      readonly message: string;
      /** What the token says of itself, which nobody has vouched for; ''. */
      readonly claimedNode: string;
    };

/** At once for a token that is known. Never rejects. */
export interface AgentIdentities {
  identify(authorization: string | undefined): AgentVerdict | Promise<AgentVerdict>;
}

export interface AgentIdentityOptions {
  readonly reviewToken: ReviewToken;
  readonly audience: string;
  /** namespace:name */
  readonly serviceAccount: string;
  /** Monotonic, ms; and Unix ms. */
  readonly monoMs: () => number;
  readonly wallMs: () => number;
  readonly random?: () => number;
}

/** Monotonic ms. */
interface Known {
  readonly node: string;
  readonly expiresMs: number;
  /** To be confirmed again from then on. */
  staleMs: number;
  /** Until when that is done without the push waiting for it. */
  graceMs: number;
}

const CONFIRM_MS = 10 * 60_000;
const CONFIRM_JITTER = 0.2;
/** An agent that pushes never waits for its token to be confirmed again; one that comes back after a while does. */
const GRACE_MS = 60_000;
const MAX_UNCONFIRMED_MS = 60 * 60_000;
/** After the API server could not be asked. */
const ASK_AGAIN_MS = 10_000;
const KEEP_REFUSED_MS = 10_000;
/** Twice 12,000 agents, so that those whose token was just rotated have room. */
const MOST_KNOWN = 24_000;
const MOST_REFUSED = 4096;
const NODE_CLAIM = 'authentication.kubernetes.io/node-name';

export function createAgentIdentities(options: AgentIdentityOptions): AgentIdentities {
  const { audience, monoMs } = options;
  const known = new Map<string, Known>();
  // Refused tokens have room of their own: a flood of them forgets nobody who is known.
  const reviews = new AnswerCache<string, AgentVerdict>({
    ask: async (token) => confirmed(options, known, token, await options.reviewToken(token)),
    keepMs: (verdict) => (verdict.kind === 'refused' && verdict.code !== 'unavailable' ? KEEP_REFUSED_MS : 0),
    mostKept: MOST_REFUSED,
    clock: monoMs,
  });
  return {
    identify(authorization) {
      const token = bearerToken(authorization);
      if (token === undefined) return refused('unauthenticated', 'the bearer token of an agent is needed');
      const key = keyOf(token);
      const entry = known.get(key);
      const nowMs = monoMs();
      if (entry && nowMs < entry.staleMs) return { kind: 'agent', node: entry.node };
      if (entry && nowMs < Math.min(entry.graceMs, entry.expiresMs)) {
        void reviews.answer(key, token);
        return { kind: 'agent', node: entry.node };
      }
      const claims = readClaims(token);
      if (!claims) return refused('unauthenticated', 'the bearer token is not one of a ServiceAccount');
      const { audiences, node } = claims;
      if (!audiences.includes(audience)) return refused('unauthenticated', wrongAudience(audiences, audience), node);
      return reviews.answer(key, token);
    },
  };
}

function confirmed(
  options: AgentIdentityOptions,
  known: Map<string, Known>,
  token: string,
  verdict: TokenVerdict,
): AgentVerdict {
  const key = keyOf(token);
  const nowMs = options.monoMs();
  const claims = readClaims(token);
  if (verdict.kind === 'unavailable') {
    const entry = known.get(key);
    if (entry && nowMs < entry.expiresMs) {
      entry.staleMs = Math.min(nowMs + ASK_AGAIN_MS, entry.expiresMs);
      entry.graceMs = entry.staleMs + GRACE_MS;
      return { kind: 'agent', node: entry.node };
    }
    return refused('unavailable', `the token can't be reviewed now: ${verdict.reason}`, claims?.node);
  }
  known.delete(key);
  if (verdict.kind === 'rejected') {
    return refused('unauthenticated', `the API server rejects the token: ${verdict.reason}`, claims?.node);
  }
  const answer = agentOf(verdict.user, options.serviceAccount, claims?.node);
  if (answer.kind !== 'agent') return answer;
  const lifeMs = Math.max(0, (claims?.expiresMs ?? Infinity) - options.wallMs());
  const jitter = 1 - (options.random ?? Math.random)() * CONFIRM_JITTER;
  const staleMs = nowMs + Math.min(lifeMs, CONFIRM_MS * jitter);
  const expiresMs = nowMs + Math.min(lifeMs, MAX_UNCONFIRMED_MS);
  if (known.size >= MOST_KNOWN) dropOldest(known);
  known.set(key, { node: answer.node, expiresMs, staleMs, graceMs: staleMs + GRACE_MS });
  return answer;
}

/** The one that was confirmed the longest ago. */
function dropOldest(known: Map<string, Known>): void {
  for (const oldest of known.keys()) {
    known.delete(oldest);
    return;
  }
}

function agentOf({ name, extra }: User, serviceAccount: string, claimedNode: string | undefined): AgentVerdict {
  const wanted = `system:serviceaccount:${serviceAccount}`;
  if (name !== wanted) {
    return refused(
      'forbidden',
      `the token is ${JSON.stringify(name)}'s: only ${JSON.stringify(wanted)} may push`,
      claimedNode,
    );
  }
  const nodes = Object.hasOwn(extra, NODE_CLAIM) ? extra[NODE_CLAIM]! : [];
  const [node = ''] = nodes;
  if (nodes.length === 1 && node !== '') return { kind: 'agent', node };
  return refused(
    'forbidden',
    'the token names no node: it has to be a projected token of the agent’s pod, on Kubernetes 1.30 or later',
    claimedNode,
  );
}

function wrongAudience(audiences: readonly string[], audience: string): string {
  const given = audiences.map((one) => JSON.stringify(one)).join(', ') || 'none';
  return `the token is for the audience ${given}: the agent needs a projected token for ${JSON.stringify(audience)}`;
}

function refused(
  code: 'unauthenticated' | 'forbidden' | 'unavailable',
  message: string,
  claimedNode: string | undefined = '',
): AgentVerdict {
  return { kind: 'refused', code, message, claimedNode };
}

/** The token itself is kept nowhere. */
function keyOf(token: string): string {
  return hash('sha256', token, 'base64');
}
