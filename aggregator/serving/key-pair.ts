// A certificate with its private key, PEM: what node:tls takes, and what can be told about it without a TLS handshake.
import { X509Certificate, createPrivateKey } from 'node:crypto';

export interface KeyPair {
  /** PEM certificate, with its chain if there is one. */
  readonly cert: string;
  /** PEM private key, PKCS #8. */
  readonly key: string;
}

/** @returns why the two can't be used together, undefined when they can */
export function pairProblem({ cert, key }: KeyPair): string | undefined {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
      ? undefined
      : 'the private key does not belong to the certificate';
  } catch (err) {
    return `not a PEM certificate with a PEM private key (${(err as Error).message})`;
  }
}

/** Unix ms. @throws when `cert` is no PEM certificate */
export function expiresAtMs(cert: string): number {
  return Date.parse(new X509Certificate(cert).validTo);
}

/** Whether `authority` signed `cert`, and `cert` is good for all these DNS names. */
export function isServingFor(cert: string, authority: string, names: readonly string[]): boolean {
  const serving = new X509Certificate(cert);
  return (
    serving.verify(new X509Certificate(authority).publicKey) &&
    names.every((name) => serving.checkHost(name, { subject: 'never', wildcards: false }) !== undefined)
  );
}
