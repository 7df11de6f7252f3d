// Tokens of ServiceAccounts, with the claims that kube-apiserver signs (KEP 1205, KEP 4193), signed with a key that lives and ends
// with this process. RFC 7519, HS256.
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { User } from '../../kube/user.ts';

export interface NamedObject {
  readonly name: string;
  readonly uid: string;
}

export interface TokenOrder {
  readonly namespace: string;
  readonly serviceAccount: NamedObject;
  /** None: the API's own. */
  readonly audiences: readonly string[];
  readonly lifetimeS: number;
  /** What the token is bound to. */
  readonly pod?: NamedObject;
  readonly node?: NamedObject;
}

export interface MintedToken {
  readonly token: string;
  /** Unix ms. */
  readonly expiresMs: number;
}

export type TokenReading =
  | { readonly kind: 'valid'; readonly user: User; readonly audiences: readonly string[] }
  | { readonly kind: 'invalid'; readonly reason: string };

export interface TokenAuthority {
  mint(order: TokenOrder): MintedToken;
  /** @param audiences that the asker is known by, one of which has to be the token's; none: the API's own */
  read(token: string, audiences: readonly string[]): TokenReading;
}

export const API_AUDIENCE = 'https://kubernetes.default.svc';

interface Claims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly jti: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: NamedObject;
    readonly pod?: NamedObject;
    readonly node?: NamedObject;
  };
}

export function createTokenAuthority(wallTimeMs: () => number): TokenAuthority {
  const key = randomBytes(32);
  const signed = (text: string): string => `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  return {
    mint({ namespace, serviceAccount, audiences, lifetimeS, pod, node }) {
      const nowS = Math.floor(wallTimeMs() / 1000);
      const claims = {
        iss: API_AUDIENCE,
        sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
        aud: audiences.length === 0 ? [API_AUDIENCE] : audiences,
        iat: nowS,
        nbf: nowS,
        exp: nowS + lifetimeS,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace,
          serviceaccount: serviceAccount,
          ...(pod ? { pod } : {}),
          ...(node ? { node } : {}),
        },
      } satisfies Claims & Record<string, unknown>;
      const token = signed(`${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url(claims)}`);
      return { token, expiresMs: claims.exp * 1000 };
    },
    read(token, audiences) {
      const text = token.slice(0, Math.max(0, token.lastIndexOf('.')));
      if (!sameText(signed(text), token)) return { kind: 'invalid', reason: 'invalid bearer token' };
      const claims = JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString()) as Claims;
      if (wallTimeMs() >= claims.exp * 1000) return { kind: 'invalid', reason: 'token has expired' };
      const wanted = audiences.length === 0 ? [API_AUDIENCE] : audiences;
      const common = claims.aud.filter((audience) => wanted.includes(audience));
      if (common.length === 0) {
        return {
          kind: 'invalid',
          reason: `token audiences ${JSON.stringify(claims.aud)} is invalid for the target audiences ${JSON.stringify(wanted)}`,
        };
      }
      return { kind: 'valid', user: userOf(claims), audiences: common };
    },
  };
}

function userOf({ jti, 'kubernetes.io': { namespace, serviceaccount, pod, node } }: Claims): User {
  return {
    name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: Object.fromEntries([
      ...told('credential-id', `JTI=${jti}`),
      ...told('pod-name', pod?.name),
      ...told('pod-uid', pod?.uid),
      ...told('node-name', node?.name),
      ...told('node-uid', node?.uid),
    ]),
  };
}

/** An extra field, where there is something to tell. */
function told(name: string, value: string | undefined): readonly (readonly [string, readonly string[]])[] {
  return value === undefined ? [] : [[`authentication.kubernetes.io/${name}`, [value]]];
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function sameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
