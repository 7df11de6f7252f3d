// Whose a bearer token is. Contract: authentication.k8s.io/v1 TokenReview; a receiver that names audiences has to find one of
// them in the answer, else an API server that knows no audiences would vouch for tokens that are meant for itself.
import type { Review } from './review.ts';
import { asTexts, readUser } from './user.ts';
import type { User } from './user.ts';

export type TokenVerdict =
  | { readonly kind: 'authenticated'; readonly user: User }
  /** The API server does not vouch for it, and why. */
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Never rejects. */
export type ReviewToken = (token: string) => Promise<TokenVerdict>;

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
const MAX_REASON = 500;

/** @param audience undefined: the API server's own */
export function createTokenReview(review: Review, audience?: string): ReviewToken {
  return async (token) => {
    const spec = { token, ...(audience === undefined ? {} : { audiences: [audience] }) };
    const reviewed = await review(PATH, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
    if (reviewed.kind === 'unavailable') return reviewed;
    const { authenticated, error, user: named, audiences } = reviewed.status;
    if (authenticated !== true) {
      const reason = typeof error === 'string' && error !== '' ? error : 'invalid bearer token';
      return { kind: 'rejected', reason: reason.slice(0, MAX_REASON) };
    }
    if (audience !== undefined && !asTexts(audiences).includes(audience)) {
      return { kind: 'rejected', reason: `the token is not for the audience ${JSON.stringify(audience)}` };
    }
    const user = readUser(named);
    return user ? { kind: 'authenticated', user } : { kind: 'rejected', reason: 'the token is nobody’s' };
  };
}
