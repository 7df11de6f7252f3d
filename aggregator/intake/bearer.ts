// RFC 6750: the bearer token of an Authorization header. Reads what k8s.io/apiserver reads: scheme in any case, one token.

/** @param authorization the header's value. @returns undefined where there is no bearer token in it */
export function bearerToken(authorization: string | undefined): string | undefined {
  const [scheme = '', token = ''] = (authorization ?? '').trim().split(' ', 2);
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
}
