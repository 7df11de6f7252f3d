// Indented JSON for people. Contract: k8s.io/apiserver negotiation isPrettyPrint: `?pretty=`, else by the user agent.
import type { Answer } from './answer.ts';

const PEOPLE = /^(?:curl|Wget|Mozilla\/5\.0)/;
/** Larger answers stay as they are: indenting them would hold up the process for tenths of a second. */
const MAX_BYTES = 2 * 1024 * 1024;

export function wantsPretty(query: URLSearchParams | undefined, userAgent: string | undefined): boolean {
  const asked = query?.get('pretty');
  if (asked !== undefined && asked !== null) return asked !== '0' && asked.toLowerCase() !== 'false';
  return userAgent !== undefined && PEOPLE.test(userAgent);
}

export function pretty(answer: Answer): Answer {
  const bytes = answer.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (bytes > MAX_BYTES || !answer.contentType.startsWith('application/json')) return answer;
  const indented = JSON.stringify(JSON.parse(Buffer.concat(answer.chunks).toString('utf8')), null, 2);
  return { ...answer, chunks: [Buffer.from(`${indented}\n`)] };
}
