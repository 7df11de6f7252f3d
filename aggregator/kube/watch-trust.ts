// Trust in client certificates as it is now: from files that are named by flags, for the rest from the watched ConfigMap.
// What can't be used changes nothing: the trust before it stays, and the log says why.
import type { Clock } from '../../agent/runtime/clock.ts';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import { readPem } from '../../agent/runtime/secret-files.ts';
import { checkBundle, NO_TRUST, projectTrust, TRUST_NAME, TRUST_NAMESPACE } from './client-trust.ts';
import type { ClientTrust, FrontProxyTrust, ProjectedTrust, TrustSource } from './client-trust.ts';
import type { KubeHttp } from './http.ts';
import { Reflector } from './reflector.ts';

export interface TrustFiles {
  readonly clientCaFile: string | undefined;
  /** Undefined: the ConfigMap's. */
  readonly frontProxy: (Omit<FrontProxyTrust, 'ca'> & { readonly caFile: string }) | undefined;
}

export interface WatchedTrust extends TrustSource {
  /** Why nobody can be told from their certificate yet; undefined when the ConfigMap was looked for once. */
  problem(): string | undefined;
  close(): Promise<void>;
}

export interface TrustOptions {
  readonly files: TrustFiles;
  readonly http: KubeHttp;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tests read the files more often. */
  readonly rereadMs?: number;
}

/** Files that a Secret or ConfigMap is mounted as change within a minute too. */
const REREAD_MS = 60_000;

/** Starts at once. @throws CodedError tls_file for a file that can't be used now */
export function watchTrust(options: TrustOptions): WatchedTrust {
  const { files, log } = options;
  let named = readFiles(files);
  let published: ClientTrust = NO_TRUST;
  let current = merged(files, named, published);
  const listeners = new Set<() => void>();
  const renew = (): void => {
    const next = merged(files, named, published);
    if (JSON.stringify(next) === JSON.stringify(current)) return;
    current = next;
    log.info(
      { clientCa: next.clientCa !== undefined, frontProxy: next.frontProxy !== undefined },
      'client trust changed',
    );
    for (const listener of listeners) listener();
  };
  const reread = (): void => {
    try {
      named = readFiles(files);
      renew();
    } catch (err) {
      log.error({ err }, 'client ca unusable: the one before stays');
    }
  };
  const hasFile = files.clientCaFile !== undefined || files.frontProxy !== undefined;
  const timer = hasFile ? setInterval(reread, options.rereadMs ?? REREAD_MS).unref() : undefined;
  const isComplete = files.clientCaFile !== undefined && files.frontProxy !== undefined;
  const reflector = isComplete
    ? undefined
    : watchConfigMap(options, (trust) => {
        published = trust;
        renew();
      });
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    problem: () =>
      reflector && reflector.lastSyncMs === -Infinity
        ? `ConfigMap ${TRUST_NAMESPACE}/${TRUST_NAME} is not read yet`
        : undefined,
    close: async () => {
      clearInterval(timer);
      await reflector?.close();
    },
  };
}

function watchConfigMap(
  { http, clock, log }: TrustOptions,
  found: (trust: ClientTrust) => void,
): Reflector<ProjectedTrust> {
  let seen = false;
  const where = `${TRUST_NAMESPACE}/${TRUST_NAME}`;
  const reflector = new Reflector<ProjectedTrust>({
    path: `/api/v1/namespaces/${TRUST_NAMESPACE}/configmaps`,
    fieldSelector: `metadata.name=${TRUST_NAME}`,
    project: projectTrust,
    keyOf: ({ uid }) => uid,
    onUpsert: (projected) => {
      seen = true;
      if (projected.kind === 'trust') found(projected.trust);
      else log.error({ configMap: where, reason: projected.reason }, 'client trust unusable: the one before stays');
    },
    // As every server of k8s.io/apiserver does: what was trusted is not forgotten because the object was deleted.
    onRemove: () => log.warn({ configMap: where }, 'client trust was deleted: the one before stays'),
    http,
    clock,
    log,
  });
  reflector.start();
  void reflector.synced.then(() => {
    if (!seen) log.warn({ configMap: where }, 'no client trust published: nobody is known by a certificate');
  });
  return reflector;
}

/** Certificates that files hold, PEM. */
interface Named {
  readonly clientCa: string | undefined;
  readonly frontProxyCa: string | undefined;
}

function readFiles({ clientCaFile, frontProxy }: TrustFiles): Named {
  return { clientCa: readBundle(clientCaFile), frontProxyCa: readBundle(frontProxy?.caFile) };
}

function readBundle(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const text = readPem(file);
  try {
    return checkBundle(file, text);
  } catch (cause) {
    throw new CodedError('tls_file', (cause as Error).message, cause);
  }
}

function merged({ frontProxy }: TrustFiles, named: Named, published: ClientTrust): ClientTrust {
  const { caFile: _, ...headers } = frontProxy ?? {};
  return {
    clientCa: named.clientCa ?? published.clientCa,
    frontProxy:
      named.frontProxyCa === undefined
        ? published.frontProxy
        : { ca: named.frontProxyCa, ...(headers as Omit<FrontProxyTrust, 'ca'>) },
  };
}
