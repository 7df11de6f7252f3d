// Whether a user may do something. Contract: authorization.k8s.io/v1 SubjectAccessReview.
import type { Review } from './review.ts';
import type { User } from './user.ts';

/** What is to be done, as the API server's rules speak of it. Empty fields are left out on the wire. */
export type AccessAttributes =
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string;
      /** '': cluster scope or all namespaces. */
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly kind: 'path'; readonly verb: string; readonly path: string };

export type AccessVerdict =
  | { readonly kind: 'allowed' }
  /** `reason` may be ''. */
  | { readonly kind: 'denied'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Never rejects. */
export type ReviewAccess = (user: User, attributes: AccessAttributes) => Promise<AccessVerdict>;

const PATH = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
const MAX_REASON = 1000;

export function createAccessReview(review: Review): ReviewAccess {
  return async (user, attributes) => {
    const reviewed = await review(PATH, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { ...subject(user), ...asked(attributes) },
    });
    if (reviewed.kind === 'unavailable') return reviewed;
    const { allowed, denied, reason } = reviewed.status;
    if (allowed === true && denied === true) {
      return { kind: 'unavailable', reason: 'the review both allows and denies' };
    }
    if (allowed === true) return { kind: 'allowed' };
    return { kind: 'denied', reason: typeof reason === 'string' ? reason.slice(0, MAX_REASON) : '' };
  };
}

function subject({ name, uid, groups, extra }: User): object {
  return { user: name, ...(uid === '' ? {} : { uid }), groups, ...(Object.keys(extra).length === 0 ? {} : { extra }) };
}

function asked(attributes: AccessAttributes): object {
  const { kind, ...fields } = attributes;
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
  return kind === 'resource' ? { resourceAttributes: given } : { nonResourceAttributes: given };
}
