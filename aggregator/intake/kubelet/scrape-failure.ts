// Why a scrape of a kubelet brought nothing, in words that tell an operator where to look.

/**
 * - `no_address`: none of the node's addresses has a preferred type;
 * - `timeout`, `refused`, `unreachable`, `connection_lost`: the network, a firewall, or no kubelet;
 * - `tls`: its serving certificate is not from the CA, not for that address, or expired;
 * - `unauthorized` (401), `forbidden` (403: nodes/metrics get), `status`: what it answered;
 * - `too_large`, `unreadable`: a body that can't be what was asked for;
 * - `no_credentials`: our own token can't be read.
 */
export type ScrapeFailureReason =
  | 'no_address'
  | 'timeout'
  | 'refused'
  | 'unreachable'
  | 'connection_lost'
  | 'tls'
  | 'unauthorized'
  | 'forbidden'
  | 'status'
  | 'too_large'
  | 'unreadable'
  | 'no_credentials';

export interface ScrapeFailure {
  readonly kind: 'failed';
  readonly reason: ScrapeFailureReason;
  readonly detail: string;
}

const TIMEOUTS = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'];
const UNREACHABLE = ['EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EHOSTDOWN'];
/** OpenSSL's verification errors as Node names them, and Node's own. */
const TLS =
  /^(?:ERR_TLS|ERR_SSL|CERT_|CRL_|EPROTO$|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

export function failed(reason: ScrapeFailureReason, detail: string): ScrapeFailure {
  return { kind: 'failed', reason, detail };
}

/** @param err what the HTTP client threw */
export function failureOf(err: unknown): ScrapeFailure {
  const { code = '', name = '', message = '' } = err as { code?: unknown; name?: string; message?: string };
  const reason = name === 'HTTPParserError' ? 'unreadable' : reasonOf(String(code));
  return failed(reason, message === '' ? String(code) : message);
}

export function failureOfStatus(status: number): ScrapeFailure {
  const detail = `request failed, status: ${status}`;
  if (status === 401) return failed('unauthorized', detail);
  return failed(status === 403 ? 'forbidden' : 'status', detail);
}

function reasonOf(code: string): ScrapeFailureReason {
  if (TIMEOUTS.includes(code)) return 'timeout';
  if (UNREACHABLE.includes(code)) return 'unreachable';
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return 'too_large';
  return TLS.test(code) ? 'tls' : 'connection_lost';
}
