// Who asks, by client certificate. Contract: k8s.io/apiserver authentication: the front proxy's certificate makes its
// X-Remote-* headers true; a certificate of the client CA names its user (CN) and groups (O).
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface IdentityOptions {
  /** PEM bundle. */
  readonly clientCa?: string;
  readonly requestHeader?: {
    /** PEM bundle. */
    readonly ca: string;
    /** Common names that may speak for others; none named: any that the CA signed. */
    readonly allowedNames: readonly string[];
  };
  /** Unix ms. */
  readonly wallMs?: () => number;
}

/** @returns undefined for anyone without a valid certificate */
export type Identify = (request: IncomingMessage) => User | undefined;

/** What one connection's certificate is good for; asked once a connection. */
interface Standing {
  readonly user: User | undefined;
  readonly isFrontProxy: boolean;
  readonly validFromMs: number;
  readonly validToMs: number;
}

const NOBODY: Standing = { user: undefined, isFrontProxy: false, validFromMs: 0, validToMs: 0 };
const AUTHENTICATED = 'system:authenticated';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

export function createIdentify({ clientCa, requestHeader, wallMs = Date.now }: IdentityOptions): Identify {
  const clientCas = certificates(clientCa ?? '');
  const proxyCas = certificates(requestHeader?.ca ?? '');
  const proxyNames = requestHeader?.allowedNames ?? [];
  const standings = new WeakMap<TLSSocket, Standing>();
  const standingOf = (socket: TLSSocket): Standing => {
    const known = standings.get(socket);
    if (known) return known;
    const certificate = socket.getPeerX509Certificate();
    const standing = certificate ? judge(certificate, clientCas, proxyCas, proxyNames) : NOBODY;
    standings.set(socket, standing);
    return standing;
  };
  return (request) => {
    const standing = standingOf(request.socket as TLSSocket);
    const now = wallMs();
    if (now < standing.validFromMs || now > standing.validToMs) return undefined;
    return (standing.isFrontProxy ? remoteUser(request) : undefined) ?? standing.user;
  };
}

/** The certificates of a PEM bundle. @throws when one can't be read */
function certificates(bundle: string): X509Certificate[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function judge(
  certificate: X509Certificate,
  clientCas: readonly X509Certificate[],
  proxyCas: readonly X509Certificate[],
  proxyNames: readonly string[],
): Standing {
  // Extended key usages; none means any.
  const usages: readonly string[] | undefined = certificate.keyUsage;
  if (usages && !usages.includes(CLIENT_AUTH) && !usages.includes(ANY_USAGE)) return NOBODY;
  const subject = subjectOf(certificate);
  const isFrontProxy =
    isSignedBy(certificate, proxyCas) && (proxyNames.length === 0 || proxyNames.includes(subject.name));
  const isUser = subject.name !== '' && isSignedBy(certificate, clientCas);
  return {
    user: isUser ? subject : undefined,
    isFrontProxy,
    validFromMs: Date.parse(certificate.validFrom),
    validToMs: Date.parse(certificate.validTo),
  };
}

function isSignedBy(certificate: X509Certificate, cas: readonly X509Certificate[]): boolean {
  return cas.some((ca) => ca.ca && certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
}

/** Read of OpenSSL's own structure: the text of `subject` can't tell a line end in a name from the next name. */
function subjectOf(certificate: X509Certificate): User {
  const { subject } = certificate.toLegacyObject() as {
    readonly subject?: Readonly<Record<string, string | string[]>>;
  };
  const names = [subject?.['CN'] ?? ''].flat();
  return { name: names[0] ?? '', groups: [...[subject?.['O'] ?? []].flat(), AUTHENTICATED] };
}

/** Undefined without a user's name: then the headers say nothing. */
function remoteUser({ headersDistinct }: IncomingMessage): User | undefined {
  const name = headersDistinct['x-remote-user']?.[0]?.trim() ?? '';
  if (name === '') return undefined;
  const groups = headersDistinct['x-remote-group'] ?? [];
  return { name, groups: groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED] };
}
