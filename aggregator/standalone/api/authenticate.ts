// Who asks: a client certificate of the cluster's CA (CN = user, O = groups) or a ServiceAccount's bearer token; nobody else.
// Contract: Kubernetes authentication, x509 and service account tokens.
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { User } from '../../kube/user.ts';
import type { TokenAuthority } from './account-tokens.ts';

/** @returns undefined for anyone unknown */
export function authenticate(request: IncomingMessage, tokens: TokenAuthority): User | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) {
    const reading = tokens.read(bearer, []);
    return reading.kind === 'valid' ? reading.user : undefined;
  }
  const socket = request.socket as TLSSocket;
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as unknown as Record<string, string | string[]> | undefined;
  const name = [subject?.['CN'] ?? ''].flat()[0]!;
  if (name === '') return undefined;
  return { name, uid: '', groups: [...[subject?.['O'] ?? []].flat(), 'system:authenticated'], extra: {} };
}
