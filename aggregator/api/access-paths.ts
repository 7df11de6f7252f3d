// Paths that anyone may get without being asked for. Contract: --authorization-always-allow-paths, k8s.io/apiserver
// authorization/path: whole paths, or all that begin alike with one * at the end.
import { CodedError } from '../../agent/runtime/coded-error.ts';

/** @throws CodedError bad_flag */
export function alwaysAllowed(patterns: readonly string[]): (path: string) => boolean {
  const whole = new Set<string>();
  const beginnings: string[] = [];
  for (const pattern of patterns) {
    const path = withoutSlash(pattern);
    if (path.slice(0, -1).includes('*')) {
      throw new CodedError(
        'bad_flag',
        `--authorization-always-allow-paths=${pattern}: a * can only be the last character`,
      );
    }
    if (path.endsWith('*')) beginnings.push(path.slice(0, -1));
    else whole.add(path);
  }
  return (path) => {
    const asked = withoutSlash(path);
    return whole.has(asked) || beginnings.some((beginning) => asked.startsWith(beginning));
  };
}

function withoutSlash(path: string): string {
  return path.startsWith('/') ? path.slice(1) : path;
}
