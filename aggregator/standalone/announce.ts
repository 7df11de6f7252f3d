// What the launcher says once everything is up: the kubeconfig on a line of its own, what is missing, what to try.
import type { Launched } from './launcher.ts';

export function announcement(
  { kubeconfigFile, agentUrl, agentMetricsUrl, missing }: Launched,
  demo: boolean,
): readonly string[] {
  return [
    `export KUBECONFIG=${shellQuoted(kubeconfigFile)}`,
    ...missing.map((what) => `missing: ${what}`),
    'try: kubectl top node',
    '     kubectl top pod -A --containers',
    '     kubectl get pods -A',
    ...(demo
      ? [
          '     kubectl get events -n demo --watch',
          `     kubectl patch pod steady -n demo --subresource resize -p '{"spec":{"containers":[{"name":"main","resources":{"limits":{"memory":"300Mi"}}}]}}'`,
        ]
      : []),
    `agent: ${agentMetricsUrl}`,
    `page: ${agentUrl}`,
  ];
}

/** The same in few lines, for the top of a live view that needs the room. */
export function viewHead({ kubeconfigFile, agentUrl, missing }: Launched): readonly string[] {
  return [
    `export KUBECONFIG=${shellQuoted(kubeconfigFile)}`,
    ...missing.map((what) => `missing: ${what}`),
    `try: kubectl top pod -A --containers    page: ${agentUrl}`,
  ];
}

function shellQuoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
