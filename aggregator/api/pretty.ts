// Indented JSON for people. Contract: k8s.io/apiserver negotiation isPrettyPrint: `?pretty=`, else by the user agent.

const PEOPLE = /^(?:curl|Wget|Mozilla\/5\.0)/;
const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
/** Larger answers stay as they are: indenting them would hold up the process for tenths of a second. */
const MAX_BYTES = 2 * 1024 * 1024;

export function wantsPretty(query: URLSearchParams | undefined, userAgent: string | undefined): boolean {
  const asked = query?.get('pretty') ?? '';
  return asked === '' ? userAgent !== undefined && PEOPLE.test(userAgent) : TRUE.includes(asked);
}

/** @param chunks of a JSON text @returns without a line end, as Go's */
export function pretty(chunks: readonly Buffer[]): readonly Buffer[] {
  if (chunks.reduce((sum, chunk) => sum + chunk.length, 0) > MAX_BYTES) return chunks;
  const indented = JSON.stringify(JSON.parse(Buffer.concat(chunks).toString('utf8')), null, 2);
  return [Buffer.from(indented)];
}
