// What a projected ServiceAccount token says of itself (RFC 7519, KEP 1205), unverified: enough to refuse a wrong one with
// a clear word before the API server is asked, and to know when a good one ends.

export interface TokenClaims {
  readonly audiences: readonly string[];
  /** Unix ms; Infinity: it says none. */
  readonly expiresMs: number;
  /** Whose pod's it says it is; '' where it names no node. */
  readonly node: string;
}

/** Headers are bounded by the server; this bounds what is decoded. */
const MAX_TOKEN = 16 * 1024;
const MAX_NODE_NAME = 253;

interface WireClaims {
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly 'kubernetes.io'?: { readonly node?: { readonly name?: unknown } | null } | null;
}

/** @returns undefined for what is no such token */
export function readClaims(token: string): TokenClaims | undefined {
  const parts = token.split('.');
  if (parts.length !== 3 || token.length > MAX_TOKEN) return undefined;
  try {
    const claims = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as WireClaims | null;
    const { aud, exp, 'kubernetes.io': bound } = claims ?? {};
    const node = bound?.node?.name;
    return {
      audiences: [aud].flat().filter((one): one is string => typeof one === 'string'),
      expiresMs: typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : Infinity,
      node: typeof node === 'string' ? node.slice(0, MAX_NODE_NAME) : '',
    };
  } catch {
    return undefined;
  }
}
