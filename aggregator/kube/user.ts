// Who asks: authentication.k8s.io/v1 UserInfo, as certificates, front-proxy headers and TokenReviews give it.

export interface User {
  readonly name: string;
  /** '' where the authenticator tells none. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const AUTHENTICATED_GROUP = 'system:authenticated';
export const UNAUTHENTICATED_GROUP = 'system:unauthenticated';
export const MASTERS_GROUP = 'system:masters';

export const ANONYMOUS: User = { name: 'system:anonymous', uid: '', groups: [UNAUTHENTICATED_GROUP], extra: {} };

/** Every authenticated user is in a group that says so, but for those who say that they are not. */
export function withAuthenticatedGroup(user: User): User {
  if (user.name === ANONYMOUS.name) return user;
  if (user.groups.includes(AUTHENTICATED_GROUP) || user.groups.includes(UNAUTHENTICATED_GROUP)) return user;
  return { ...user, groups: [...user.groups, AUTHENTICATED_GROUP] };
}

/** @param value the `user` of a review's status. @returns undefined where it names nobody */
export function readUser(value: unknown): User | undefined {
  const { username, uid, groups, extra } = asRecord(value);
  if (typeof username !== 'string' || username === '') return undefined;
  return {
    name: username,
    uid: typeof uid === 'string' ? uid : '',
    groups: asTexts(groups),
    extra: Object.fromEntries(Object.entries(asRecord(extra)).map(([key, values]) => [key, asTexts(values)])),
  };
}

/** Strings only: anything else in the list is left out. */
export function asTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
