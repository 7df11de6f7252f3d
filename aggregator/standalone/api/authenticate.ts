// Who asks: a client certificate of the cluster's CA (CN = user, O = groups) or a bearer token; nobody else.
// Contract: Kubernetes authentication, x509 and static tokens.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface TokenUser {
  readonly token: string;
  readonly user: User;
}

/** @returns undefined for anyone unknown */
export function authenticate(request: IncomingMessage, tokens: readonly TokenUser[]): User | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return tokens.find(({ token }) => sameSecret(token, bearer))?.user;
  const socket = request.socket as TLSSocket;
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as unknown as Record<string, string | string[]> | undefined;
  const name = [subject?.['CN'] ?? ''].flat()[0]!;
  if (name === '') return undefined;
  return { name, groups: [...[subject?.['O'] ?? []].flat(), 'system:authenticated'] };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}
