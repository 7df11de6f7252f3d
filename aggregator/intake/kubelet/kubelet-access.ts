// How a kubelet is trusted and what it is shown: the API server's CA and our own token unless flags say otherwise,
// as metrics-server does (rest.Config of the API server). Files are looked at again, so that rotated ones are taken up.
import { statSync } from 'node:fs';
import type { Logger } from '../../../agent/runtime/logger.ts';
import { readPem } from '../../../agent/runtime/secret-files.ts';
import type { KubeEndpoint, KubeTls } from '../../kube/endpoint.ts';
import type { KubeletFlags } from './flags.ts';

export interface KubeletAccess {
  /** The same object as long as nothing has changed. */
  tls(): KubeTls;
  /** Headers that say who we are; read anew at most each 5 s. */
  headers(): Promise<Readonly<Record<string, string>>>;
}

export type AccessFlags = Pick<
  KubeletFlags,
  'kubelet-certificate-authority' | 'kubelet-client-certificate' | 'kubelet-client-key' | 'kubelet-insecure-tls'
>;

const HEADERS_FRESH_MS = 5000;
const FILES_FRESH_MS = 10_000;

/** @throws CodedError tls_file when a file of the flags can't be read now; later the last readable one is kept */
export function kubeletAccess(
  flags: AccessFlags,
  endpoint: KubeEndpoint,
  clock: () => number,
  log: Logger,
): KubeletAccess {
  const paths = [
    flags['kubelet-certificate-authority'],
    flags['kubelet-client-certificate'],
    flags['kubelet-client-key'],
  ].filter((path) => path !== undefined);
  let stamp = stampOf(paths);
  let tls = tlsOf(flags, endpoint);
  let lookedMs = clock();
  let headers: Promise<Readonly<Record<string, string>>> | undefined;
  let headersMs = -Infinity;
  return {
    tls() {
      if (paths.length === 0 || clock() - lookedMs < FILES_FRESH_MS) return tls;
      lookedMs = clock();
      const now = stampOf(paths);
      if (now === stamp) return tls;
      try {
        tls = tlsOf(flags, endpoint);
        stamp = now;
      } catch (err) {
        log.warn({ err }, 'kubelet certificate files unreadable: the ones read before are kept');
      }
      return tls;
    },
    headers() {
      if (headers === undefined || clock() - headersMs >= HEADERS_FRESH_MS) {
        headers = endpoint.headers();
        headersMs = clock();
        headers.catch(() => (headers = undefined));
      }
      return headers;
    },
  };
}

function tlsOf(flags: AccessFlags, { tls }: KubeEndpoint): KubeTls {
  const caPath = flags['kubelet-certificate-authority'];
  const certPath = flags['kubelet-client-certificate'];
  const keyPath = flags['kubelet-client-key'];
  const ca = caPath === undefined ? tls.ca : readPem(caPath);
  const cert = certPath === undefined ? tls.cert : readPem(certPath);
  const key = keyPath === undefined ? tls.key : readPem(keyPath);
  return {
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    // Neither the API server's name nor its own exemption from verification is meant for kubelets.
    ...(flags['kubelet-insecure-tls'] ? { rejectUnauthorized: false } : ca === undefined ? {} : { ca }),
  };
}

function stampOf(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? 'absent' : `${stat.ino}:${stat.mtimeMs}`;
    })
    .join(' ');
}
