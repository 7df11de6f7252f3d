// What this machine or these rights don't allow, each with its cause: said at start and on the API's /metrics.
import type { Hierarchy } from '../../agent/cgroup/hierarchy.ts';

export interface Missing {
  readonly name: string;
  readonly cause: string;
}

/** @param noRights why no cgroups can be made, undefined where they can */
export function missingOf(hierarchy: Hierarchy, noRights: string | undefined, demo: boolean): readonly Missing[] {
  const missing: readonly Missing[] = hierarchy.missing.map(({ name, cause }) => ({ name, cause }));
  if (noRights === undefined) return missing;
  const so = demo ? 'the demo runs without limits and every resize of it ends in an error' : 'nothing can be resized';
  const cause = `${noRights}; agent and aggregator run as plain processes, not as pods, and ${so} (start as root to change that)`;
  return [...missing, { name: 'own_cgroups', cause }];
}

/** Prometheus exposition format 0.0.4. */
export function missingPage(missing: readonly Missing[]): string {
  return [
    '# HELP headroom_standalone_missing What this machine or these rights do not allow, with the cause.',
    '# TYPE headroom_standalone_missing gauge',
    ...missing.map(
      ({ name, cause }) => `headroom_standalone_missing{name="${escaped(name)}",cause="${escaped(cause)}"} 1`,
    ),
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
