// The user whom a trusted front proxy speaks for. Contract: k8s.io/apiserver authentication/request/headerrequest.
import type { FrontProxyTrust } from '../kube/client-trust.ts';
import type { User } from '../kube/user.ts';

/** Each header's values in the order they came, names in lower case, text as node:http reads it (latin1). */
export type Headers = Readonly<Record<string, readonly string[] | undefined>>;

/** Only for a request that came with the front proxy's certificate. @returns undefined where it names no user */
export function remoteUser(headers: Headers, trust: FrontProxyTrust): User | undefined {
  const name = first(headers, trust.usernameHeaders);
  if (name === '') return undefined;
  return {
    name,
    uid: first(headers, trust.uidHeaders),
    groups: trust.groupHeaders.flatMap((header) => valuesOf(headers, header)).filter((group) => group !== ''),
    extra: extraOf(headers, trust.extraHeaderPrefixes),
  };
}

function first(headers: Headers, names: readonly string[]): string {
  for (const name of names) {
    const value = valuesOf(headers, name)[0] ?? '';
    if (value !== '') return value;
  }
  return '';
}

function valuesOf(headers: Headers, name: string): readonly string[] {
  return Object.hasOwn(headers, name) ? (headers[name] ?? []).map(utf8) : [];
}

function extraOf(headers: Headers, prefixes: readonly string[]): User['extra'] {
  const extra = new Map<string, string[]>();
  for (const prefix of prefixes) {
    for (const header of Object.keys(headers)) {
      if (!header.startsWith(prefix)) continue;
      const key = unescaped(header.slice(prefix.length));
      extra.set(key, [...(extra.get(key) ?? []), ...valuesOf(headers, header)]);
    }
  }
  // fromEntries, so that a key like "__proto__" is a key like any other.
  return Object.fromEntries(extra);
}

/** Keys are %-encoded, because a header's name can't hold every character; one that is not well encoded is taken as it is. */
function unescaped(key: string): string {
  if (!key.includes('%')) return key;
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** Go sends a header's text as UTF-8 bytes; node:http reads each byte as a character. */
function utf8(value: string): string {
  for (let at = 0; at < value.length; at++) {
    if (value.charCodeAt(at) > 0x7f) return Buffer.from(value, 'latin1').toString('utf8');
  }
  return value;
}
