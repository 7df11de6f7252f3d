// Which certificates name users, and which may speak for users in headers. Contract: ConfigMap
// kube-system/extension-apiserver-authentication, which every Kubernetes control plane publishes.
import { X509Certificate } from 'node:crypto';
import type { WireMeta, WireObject } from './wire.ts';

/** Header names in lower case. */
export interface FrontProxyTrust {
  /** PEM bundle. */
  readonly ca: string;
  /** Common names that may speak for others; none named: any that the CA signed. */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

export interface ClientTrust {
  /** PEM bundle of the CA of client certificates; undefined: no certificate names a user. */
  readonly clientCa: string | undefined;
  readonly frontProxy: FrontProxyTrust | undefined;
}

export interface TrustSource {
  current(): ClientTrust;
  /** Told of every change to come. @returns stops that */
  onChange(listener: () => void): () => void;
}

export const NO_TRUST: ClientTrust = { clientCa: undefined, frontProxy: undefined };

/** What kube-apiserver sends unless it is told other names. */
export const USUAL_HEADERS = {
  usernameHeaders: ['x-remote-user'],
  uidHeaders: ['x-remote-uid'],
  groupHeaders: ['x-remote-group'],
  extraHeaderPrefixes: ['x-remote-extra-'],
} as const satisfies Partial<FrontProxyTrust>;

export const TRUST_NAMESPACE = 'kube-system';
export const TRUST_NAME = 'extension-apiserver-authentication';

/** Trust that never changes. */
export function fixedTrust(trust: ClientTrust): TrustSource {
  return { current: () => trust, onChange: () => () => undefined };
}

/** The certificates of a PEM bundle. @throws Error when one of them can't be read */
export function certificatesOf(bundle: string): X509Certificate[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** @throws Error when the bundle holds none, or one that can't be read */
export function checkBundle(where: string, bundle: string): string {
  let count: number;
  try {
    count = certificatesOf(bundle).length;
  } catch (cause) {
    throw new Error(`${where}: a certificate can't be read: ${(cause as Error).message}`, { cause });
  }
  if (count === 0) throw new Error(`${where}: no certificate in it`);
  return bundle;
}

interface WireConfigMap extends WireObject {
  readonly data?: Readonly<Record<string, string>>;
}

export type ProjectedTrust =
  | { readonly kind: 'trust'; readonly trust: ClientTrust }
  /** What the ConfigMap says can't be used as it is. */
  | { readonly kind: 'unusable'; readonly reason: string };

/** Keys that are missing trust nobody: a CA without header names lets no front proxy speak. Must not throw. */
export function projectTrust(object: WireObject): ProjectedTrust | undefined {
  if (!isTrustObject(object.metadata)) return undefined;
  const data = (object as WireConfigMap).data ?? {};
  const bundle = (key: string): string | undefined => {
    const text = data[key] ?? '';
    return text === '' ? undefined : checkBundle(key, text);
  };
  try {
    const clientCa = bundle('client-ca-file');
    const ca = bundle('requestheader-client-ca-file');
    const frontProxy = ca === undefined ? undefined : { ca, ...headersOf(data) };
    return { kind: 'trust', trust: { clientCa, frontProxy } };
  } catch (error) {
    return { kind: 'unusable', reason: (error as Error).message };
  }
}

function isTrustObject(meta: WireMeta | undefined): boolean {
  return meta?.name === TRUST_NAME && meta.namespace === TRUST_NAMESPACE;
}

function headersOf(data: Readonly<Record<string, string>>): Omit<FrontProxyTrust, 'ca'> {
  const names = (key: string): string[] => texts(key, data[key]).map((name) => name.toLowerCase());
  return {
    allowedNames: texts('requestheader-allowed-names', data['requestheader-allowed-names']),
    usernameHeaders: names('requestheader-username-headers'),
    uidHeaders: names('requestheader-uid-headers'),
    groupHeaders: names('requestheader-group-headers'),
    extraHeaderPrefixes: names('requestheader-extra-headers-prefix'),
  };
}

/** A JSON list of strings. @throws Error */
function texts(key: string, text: string | undefined): string[] {
  if (text === undefined || text === '') return [];
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list) || list.some((one) => typeof one !== 'string')) {
    throw new Error(`${key}: must be a JSON list of strings`);
  }
  return list as string[];
}
