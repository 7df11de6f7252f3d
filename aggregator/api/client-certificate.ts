// What a connection's client certificate is good for. Contract: k8s.io/apiserver authentication/request/x509: CN is the user,
// O are the groups; which CA signed it decides whether it names a user or speaks as the front proxy, never its name alone.
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { certificatesOf } from '../kube/client-trust.ts';
import type { ClientTrust, FrontProxyTrust } from '../kube/client-trust.ts';
import type { User } from '../kube/user.ts';

export interface Standing {
  /** Undefined: the certificate names none. */
  readonly user: User | undefined;
  /** How to read the headers, if it may speak for others. */
  readonly frontProxy: FrontProxyTrust | undefined;
  /** A certificate was shown, and some CA is known that could have signed it. */
  readonly shown: boolean;
  /** Unix ms. */
  readonly validFromMs: number;
  readonly validToMs: number;
}

interface Validity {
  readonly fromMs: number;
  readonly toMs: number;
  /** The CA itself has signed it, nothing in between. */
  readonly direct: boolean;
}

export const NOBODY: Standing = { user: undefined, frontProxy: undefined, shown: false, validFromMs: 0, validToMs: 0 };

const MAX_INTERMEDIATES = 4;
/** Of certificates that a CA has signed itself: components of the control plane, and people. */
const MOST_JUDGED = 256;
/** Left to this file, which asks at each request and not only at the handshake. */
const TIME_ERRORS: readonly string[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];

type CertificateJudge = (socket: TLSSocket) => Standing;

/** All who ask of one trust share what was checked. */
const judges = new WeakMap<ClientTrust, CertificateJudge>();

/** CAs are read once, and so is a certificate that one of them has signed itself: connections come each few seconds, probes for example. */
export function certificateJudge(trust: ClientTrust): CertificateJudge {
  const known = judges.get(trust) ?? createJudge(trust);
  judges.set(trust, known);
  return known;
}

function createJudge(trust: ClientTrust): CertificateJudge {
  const clientCas = certificatesOf(trust.clientCa ?? '');
  const proxyCas = certificatesOf(trust.frontProxy?.ca ?? '');
  const knowsCas = clientCas.length + proxyCas.length > 0;
  const judged = new Map<string, Standing>();
  return (socket) => {
    const certificate = certificateOf(socket);
    if (!certificate || !knowsCas) return NOBODY;
    // What OpenSSL found wrong with this connection's chain is looked into each time.
    const key = socket.authorized ? certificate.fingerprint256 : undefined;
    const known = key === undefined ? undefined : judged.get(key);
    if (known) return known;
    const verdict = judge(socket, certificate, trust, clientCas, proxyCas);
    if (!verdict) return { ...NOBODY, shown: true };
    const { direct, ...standing } = verdict;
    if (key !== undefined && direct) keep(judged, key, standing);
    return standing;
  };
}

function keep(judged: Map<string, Standing>, key: string, standing: Standing): void {
  for (const oldest of judged.keys()) {
    if (judged.size < MOST_JUDGED) break;
    judged.delete(oldest);
  }
  judged.set(key, standing);
}

/** By connection: only the first look at it tells the intermediates that the client sent along. */
const seen = new WeakMap<TLSSocket, X509Certificate>();

function certificateOf(socket: TLSSocket): X509Certificate | undefined {
  const known = seen.get(socket);
  if (known) return known;
  const certificate = socket.getPeerX509Certificate();
  if (certificate) seen.set(socket, certificate);
  return certificate;
}

function judge(
  socket: TLSSocket,
  certificate: X509Certificate,
  { frontProxy }: ClientTrust,
  clientCas: readonly X509Certificate[],
  proxyCas: readonly X509Certificate[],
): (Standing & Pick<Validity, 'direct'>) | undefined {
  // OpenSSL has checked the chain for a client's purpose, path lengths and name constraints, against both CAs together.
  const error = socket.authorizationError as unknown;
  if (!socket.authorized && !TIME_ERRORS.includes(codeOf(error))) return undefined;
  const { name, groups } = subjectOf(certificate);
  const asProxy = isNamed(name, frontProxy) ? chainTo(certificate, proxyCas) : undefined;
  const asUser = name === '' ? undefined : chainTo(certificate, clientCas);
  const validity = asProxy ?? asUser;
  if (!validity) return undefined;
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint(certificate)}`] };
  return {
    user: asUser ? { name, uid: '', groups, extra } : undefined,
    frontProxy: asProxy ? frontProxy : undefined,
    shown: true,
    validFromMs: Math.max(validity.fromMs, asUser?.fromMs ?? -Infinity),
    validToMs: Math.min(validity.toMs, asUser?.toMs ?? Infinity),
    direct: validity.direct && (asUser?.direct ?? true),
  };
}

/** Node tells the error by its code, in a string or an Error. */
function codeOf(error: unknown): string {
  return typeof error === 'string' ? error : ((error as { readonly code?: string } | null | undefined)?.code ?? '');
}

function isNamed(name: string, frontProxy: FrontProxyTrust | undefined): boolean {
  if (!frontProxy) return false;
  return frontProxy.allowedNames.length === 0 || frontProxy.allowedNames.includes(name);
}

/**
 * Node 24 does not tell a server the intermediates that a client sent: through one, nobody is known there (401), never a wrong one.
 * When all of the chain is valid that leads, through what the client sent, to one of these CAs; undefined: none does.
 */
function chainTo(certificate: X509Certificate, cas: readonly X509Certificate[]): Validity | undefined {
  let signed = certificate;
  let validity = validityOf(signed);
  for (let passed = 0; passed <= MAX_INTERMEDIATES; passed++) {
    const ca = cas.find((one) => isSignedBy(signed, one));
    if (ca) return { ...both(validity, validityOf(ca)), direct: passed === 0 };
    const next = signed.issuerCertificate;
    if (!next || next === signed || !isSignedBy(signed, next)) return undefined;
    signed = next;
    validity = both(validity, validityOf(signed));
  }
  return undefined;
}

function isSignedBy(certificate: X509Certificate, ca: X509Certificate): boolean {
  return ca.ca && certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
}

function validityOf({ validFrom, validTo }: X509Certificate): Omit<Validity, 'direct'> {
  return { fromMs: Date.parse(validFrom), toMs: Date.parse(validTo) };
}

function both(a: Omit<Validity, 'direct'>, b: Omit<Validity, 'direct'>): Omit<Validity, 'direct'> {
  return { fromMs: Math.max(a.fromMs, b.fromMs), toMs: Math.min(a.toMs, b.toMs) };
}

/** Read of OpenSSL's own structure: the text of `subject` can't tell a line end in a name from the next name. */
function subjectOf(certificate: X509Certificate): Pick<User, 'name' | 'groups'> {
  const { subject } = certificate.toLegacyObject() as {
    readonly subject?: Readonly<Record<string, string | string[]>>;
  };
  // Of several, Go keeps the last common name.
  return { name: [subject?.['CN'] ?? ''].flat().at(-1) ?? '', groups: [subject?.['O'] ?? []].flat() };
}

function fingerprint({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(':', '').toLowerCase();
}
