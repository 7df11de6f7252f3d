// All that the replicas share: the CA, the pair that both ports serve with, and the CAs before and after this one.
import type { KeyPair } from './key-pair.ts';

export interface NextAuthority extends KeyPair {
  /** When it was first in the bundle, Unix ms: it signs when everyone has had time to read it. */
  readonly sinceMs: number;
}

export interface Material {
  /** Signs. */
  readonly authority: KeyPair;
  /** Trusted already, signs later. */
  readonly next?: NextAuthority;
  /** PEM certificates of CAs that no longer sign, trusted until they expire. */
  readonly retired: readonly string[];
  /** Signed by `authority`. */
  readonly serving: KeyPair;
}

/** What clients have to trust: `spec.caBundle` of an APIService, `ca.crt` of a ConfigMap. */
export function bundleOf({ authority, next, retired }: Material): string {
  return [authority.cert, ...(next ? [next.cert] : []), ...retired].map((pem) => `${pem.trim()}\n`).join('');
}
