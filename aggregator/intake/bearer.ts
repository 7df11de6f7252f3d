// RFC 6750: the Authorization header of a push, compared in constant time whatever its length.
import { createHash, timingSafeEqual } from 'node:crypto';

const SCHEME = /^bearer +/i;

/** @param authorization the header's value, undefined when there is none */
export function isBearer(authorization: string | undefined, token: string): boolean {
  const scheme = SCHEME.exec(authorization ?? '')?.[0];
  if (authorization === undefined || scheme === undefined) return false;
  return timingSafeEqual(digest(authorization.slice(scheme.length).trimEnd()), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
