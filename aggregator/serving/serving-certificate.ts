// What both ports serve with: a pair from files that something else rotates, or one of the aggregator's own CA kept in a Secret.
import { CodedError } from '../../agent/runtime/coded-error.ts';
import { sleepUnlessAborted } from '../kube/backoff.ts';
import type { Sleep } from '../kube/backoff.ts';
import { CertificateFiles } from './certificate-files.ts';
import type { KeyPair } from './key-pair.ts';
import { OwnCertificate } from './own-certificate.ts';
import type { OwnCertificateParts } from './own-certificate.ts';

export interface ServingCertificate {
  current(): KeyPair;
  /** End of the current certificate, Unix ms. */
  expiresAtMs(): number;
  /** Called after `current` has changed; a server hands the pair to `setSecureContext`. */
  onChange(listener: (pair: KeyPair) => void): void;
  close(): Promise<void>;
}

export interface ServingCertificateOptions extends Omit<OwnCertificateParts, 'random' | 'sleep'> {
  /** --tls-cert-file and --tls-private-key-file; undefined: the own CA. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly random?: () => number;
  readonly sleep?: Sleep;
}

/**
 * Resolves when there is a certificate to serve with.
 * @throws CodedError bad_flag, tls_file, or kube_status when the Secret can't be read or written
 */
export async function createServingCertificate(options: ServingCertificateOptions): Promise<ServingCertificate> {
  const { certFile, keyFile, log, random = Math.random, sleep = sleepUnlessAborted } = options;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const [given, missing] = certFile === undefined ? ['private-key', 'cert'] : ['cert', 'private-key'];
    throw new CodedError('bad_flag', `--tls-${given}-file needs --tls-${missing}-file beside it`);
  }
  if (certFile !== undefined && keyFile !== undefined) return new CertificateFiles({ certFile, keyFile, log, sleep });
  const own = new OwnCertificate({ ...options, random, sleep });
  await own.start();
  return own;
}
