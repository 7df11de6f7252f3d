// Who asks. Contract: k8s.io/apiserver's delegating authentication: front proxy, client certificate, bearer token by
// TokenReview, else anonymous; a credential that is shown and found wrong is no anonymous, it is refused.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { bearerToken } from '../intake/bearer.ts';
import { AnswerCache } from '../kube/answer-cache.ts';
import type { TrustSource } from '../kube/client-trust.ts';
import type { ReviewToken, TokenVerdict } from '../kube/token-review.ts';
import { ANONYMOUS, withAuthenticatedGroup } from '../kube/user.ts';
import type { User } from '../kube/user.ts';
import { certificateJudge, NOBODY } from './client-certificate.ts';
import type { Standing } from './client-certificate.ts';
import { remoteUser } from './front-proxy.ts';

export interface IdentityOptions {
  readonly trust: TrustSource;
  readonly reviewToken: ReviewToken;
  /** How long a verdict on a token counts, ms; one that could not be had counts for nobody else. */
  readonly tokenTtlMs: number;
  /** Monotonic, ms; and Unix ms. */
  readonly monoMs: () => number;
  readonly wallMs: () => number;
}

export type Identity =
  { readonly kind: 'user'; readonly user: User } | { readonly kind: 'unauthorized'; readonly reason: string };

/** At once where nobody has to be asked. Never rejects. */
export type Identify = (request: IncomingMessage) => Identity | Promise<Identity>;

const MOST_TOKENS = 4096;
const AS_ANONYMOUS: Identity = { kind: 'user', user: ANONYMOUS };

export function createIdentify(options: IdentityOptions): Identify {
  const standingOf = createStandings(options.trust);
  const tokenUser = createTokenUsers(options);
  return (request) => {
    const certified = certifiedUser(request, standingOf(request.socket as TLSSocket), options.wallMs());
    if (certified.kind === 'user') return certified;
    const token = bearerToken(request.headers.authorization);
    if (token !== undefined) return tokenUser(token);
    return certified.kind === 'none' ? AS_ANONYMOUS : certified;
  };
}

type Certified = Identity | { readonly kind: 'none' };

function certifiedUser(request: IncomingMessage, standing: Standing, nowMs: number): Certified {
  if (!standing.shown) return { kind: 'none' };
  if (nowMs < standing.validFromMs || nowMs > standing.validToMs) {
    return { kind: 'unauthorized', reason: 'the client certificate is not valid, by its time or its signer' };
  }
  const named = standing.frontProxy && remoteUser(request.headersDistinct, standing.frontProxy);
  const user = named ?? standing.user;
  return user
    ? { kind: 'user', user: withAuthenticatedGroup(user) }
    : { kind: 'unauthorized', reason: 'the front proxy names no user' };
}

/** Judged once a connection, and again when the trust has changed. */
function createStandings(trust: TrustSource): (socket: TLSSocket) => Standing {
  let judge = certificateJudge(trust.current());
  let standings = new WeakMap<TLSSocket, Standing>();
  trust.onChange(() => {
    judge = certificateJudge(trust.current());
    standings = new WeakMap();
  });
  return (socket) => {
    const known = standings.get(socket);
    if (known) return known;
    const standing = socket.destroyed ? NOBODY : judge(socket);
    standings.set(socket, standing);
    return standing;
  };
}

function createTokenUsers({ reviewToken, tokenTtlMs, monoMs }: IdentityOptions) {
  const identities = new AnswerCache<string, Identity & { readonly keep: boolean }>({
    ask: async (token) => identityOf(await reviewToken(token)),
    keepMs: ({ keep }) => (keep ? tokenTtlMs : 0),
    mostKept: MOST_TOKENS,
    clock: monoMs,
  });
  // The token itself is kept nowhere.
  return (token: string): Identity | Promise<Identity> =>
    identities.answer(createHash('sha256').update(token).digest('base64'), token);
}

function identityOf(verdict: TokenVerdict): Identity & { readonly keep: boolean } {
  if (verdict.kind === 'authenticated') {
    return { kind: 'user', user: withAuthenticatedGroup(verdict.user), keep: true };
  }
  return { kind: 'unauthorized', reason: verdict.reason, keep: verdict.kind === 'rejected' };
}
