// Liveness and readiness as Kubernetes' own servers tell them. Contract: k8s.io/apiserver pkg/server/healthz.
import type { Logger } from '../agent/runtime/logger.ts';

export interface Check {
  /** As in "[+]name ok". */
  readonly name: string;
  /** Undefined while all is well. What it says goes to the log and not to the caller, who may be anyone. */
  problem(): string | undefined;
}

export type HealthPath = '/healthz' | '/livez' | '/readyz';

export interface HealthAnswer {
  readonly code: 200 | 500;
  readonly body: string;
}

export interface Health {
  /** @param query `verbose` and `exclude=<check>` (repeatable) are looked at */
  answer(path: HealthPath, query: URLSearchParams): HealthAnswer;
  /** One check alone, as under /readyz/<check>; undefined when there is none of that name. */
  answerCheck(path: HealthPath, name: string): HealthAnswer | undefined;
  /** Names of the checks of a path. */
  checksOf(path: HealthPath): readonly string[];
}

const PING: Check = { name: 'ping', problem: () => undefined };

/** `ping` comes first on every path. /healthz is the older name of /livez. */
export function createHealth(options: {
  readonly livez: readonly Check[];
  readonly readyz: readonly Check[];
  readonly log?: Logger;
}): Health {
  const livez = [PING, ...options.livez];
  const checks: Readonly<Record<HealthPath, readonly Check[]>> = {
    '/healthz': livez,
    '/livez': livez,
    '/readyz': [PING, ...options.readyz],
  };
  const noteChange = changeLog(options.log);
  return {
    answer(path, query) {
      const excluded = new Set(query.getAll('exclude').filter((name) => name !== ''));
      const lines: string[] = [];
      let failed = false;
      for (const check of checks[path]) {
        if (excluded.delete(check.name)) {
          lines.push(`[+]${check.name} excluded: ok\n`);
          continue;
        }
        const problem = check.problem();
        noteChange(path, check.name, problem);
        failed ||= problem !== undefined;
        lines.push(problem === undefined ? `[+]${check.name} ok\n` : `[-]${check.name} failed: reason withheld\n`);
      }
      if (excluded.size > 0) lines.push(unknownExclusions(excluded));
      const name = path.slice(1);
      if (failed) return { code: 500, body: `${lines.join('')}${name} check failed\n` };
      return { code: 200, body: query.has('verbose') ? `${lines.join('')}${name} check passed\n` : 'ok' };
    },
    answerCheck(path, name) {
      const check = checks[path].find((one) => one.name === name);
      if (!check) return undefined;
      const problem = check.problem();
      noteChange(path, name, problem);
      return problem === undefined
        ? { code: 200, body: 'ok' }
        : { code: 500, body: 'internal server error: reason withheld\n' };
    },
    checksOf: (path) => checks[path].map(({ name }) => name),
  };
}

function unknownExclusions(names: ReadonlySet<string>): string {
  const quoted = [...names].sort().map((name) => JSON.stringify(name));
  return `warn: some health checks cannot be excluded: no matches for ${quoted.join(',')}\n`;
}

/** Says once that a check fails, once that it passes again. */
function changeLog(log: Logger | undefined): (path: HealthPath, check: string, problem: string | undefined) => void {
  const failing = new Map<string, string>();
  return (path, check, problem) => {
    const key = `${path}/${check}`;
    if (failing.get(key) === problem) return;
    if (problem === undefined) {
      failing.delete(key);
      log?.info({ path, check }, 'health check passes again');
    } else {
      failing.set(key, problem);
      log?.warn({ path, check, reason: problem }, 'health check fails');
    }
  };
}
