// Who may ask the debugging endpoint what. Pure. A page elsewhere must not read it through the operator's browser: a foreign
// Host (DNS rebinding), a foreign Origin and cross-site fetches are refused before anything else is looked at.
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

export interface Asking {
  readonly method: string;
  readonly path: string;
  /** Header `host`, `origin`, `sec-fetch-site`, `sec-fetch-mode`; undefined: not sent. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  /** From the Authorization header or the cookie; undefined: none. */
  readonly token: string | undefined;
}

export interface GuardPolicy {
  /** The listener is bound to a loopback address. */
  readonly loopback: boolean;
  /** What a caller must know; undefined: nobody has a token. */
  readonly token: string | undefined;
  /** The route always needs the token: profiles, and what changes something. */
  readonly needsToken: boolean;
}

export type Verdict = { readonly kind: 'allowed' } | Refused;
export interface Refused {
  readonly kind: 'refused';
  readonly status: 400 | 401 | 403;
  readonly reason: string;
}

const ALLOWED: Verdict = { kind: 'allowed' };

export function judgeAsking(asking: Asking, policy: GuardPolicy): Verdict {
  const host = hostOf(asking.host);
  if (host === undefined) return refused(400, 'a Host header is needed');
  // A name that somebody else's DNS points here is how a foreign page gets a same-origin view of this listener.
  if (host.name !== 'localhost' && isIP(host.name) === 0)
    return refused(403, 'ask by address or as localhost: other names are refused, they can be pointed here by anyone');
  if (asking.origin !== undefined && originHost(asking.origin) !== host.full)
    return refused(403, `origin ${asking.origin} is not this endpoint`);
  if (isForeignFetch(asking)) return refused(403, 'asked by a page of another site');
  if (!policy.needsToken && policy.loopback) return ALLOWED;
  if (policy.token === undefined)
    return refused(403, 'this needs a token, and the agent has none: start it with --debug-token-file');
  if (asking.token === undefined) return refused(401, 'the bearer token of the debugging endpoint is needed');
  if (!sameSecret(asking.token, policy.token)) return refused(401, 'this is not the token of the debugging endpoint');
  return ALLOWED;
}

/** Following a link to the page itself is harmless: it shows only to who followed it. */
function isForeignFetch({ fetchSite, fetchMode, method, path }: Asking): boolean {
  if (fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none') return false;
  return !(fetchMode === 'navigate' && method === 'GET' && path === '/');
}

function hostOf(header: string | undefined): { readonly name: string; readonly full: string } | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(header ?? '');
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? undefined : { name: name.toLowerCase(), full: (header ?? '').toLowerCase() };
}

function originHost(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1];
}

/** In constant time, whatever the lengths. */
export function sameSecret(given: string, known: string): boolean {
  return timingSafeEqual(digestOf(given), digestOf(known));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function refused(status: Refused['status'], reason: string): Refused {
  return { kind: 'refused', status, reason };
}
