// Agent and aggregator as production runs them: processes with command lines of their own, here as pods of namespace headroom-system.
// What they say when they are up (`{"msg":"listening","ports":{…}}`) is how the launcher learns their ports.
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { Instance } from './instance.ts';
import { kubeconfigText } from './kubeconfig.ts';
import type { OwnPod } from './kubelet/kubelet.ts';
import { siblingScript } from './kubelet/gated-spawn.ts';
import type { ClusterPki } from './pki.ts';

export const SYSTEM_NAMESPACE = 'headroom-system';
const PUSH_INTERVAL = '1s';

export type Ports = Readonly<Record<string, number>>;

export interface RoleOptions {
  readonly instance: Instance;
  readonly pki: ClusterPki;
  readonly apiUrl: string;
  /** Of the aggregator's ServiceAccount. */
  readonly apiToken: string;
  /** Where the agent's projected token is. */
  readonly agentTokenFile: string;
  readonly nodeName: string;
  readonly cgroupRoot: string;
  readonly procRoot: string;
  readonly logLevel: string;
}

export interface Role {
  readonly name: 'agent' | 'aggregator';
  readonly pod: OwnPod;
  /** Resolves when it first says that it listens, rejects when it ends before that. */
  readonly listening: Promise<Ports>;
  /** The ports of the latest start. */
  readonly ports: () => Ports | undefined;
}

export type OnLine = (role: Role['name'], line: string, stream: 'stdout' | 'stderr') => void;

export function aggregatorRole(options: RoleOptions, onLine: OnLine): Role {
  const { instance, pki, apiUrl, apiToken, logLevel } = options;
  const files = {
    kubeconfig: instance.writeSecret(
      'aggregator-kubeconfig',
      kubeconfigText(apiUrl, pki.ca, 'aggregator', { kind: 'token', token: apiToken }),
    ),
    cert: instance.writeSecret('serving.pem', pki.serving.cert),
    key: instance.writeSecret('serving-key.pem', pki.serving.key),
  };
  return role('aggregator', 'headroom-aggregator-0', onLine, (ports) => [
    `--kubeconfig=${files.kubeconfig}`,
    '--bind-address=127.0.0.1',
    // Started again, it comes back to the ports the agent knows.
    `--secure-port=${portNamed(ports, 'api') ?? 0}`,
    `--push-port=${portNamed(ports, 'push') ?? 0}`,
    `--tls-cert-file=${files.cert}`,
    `--tls-private-key-file=${files.key}`,
    '--resize=on',
    // The only one there is.
    '--no-leader-elect',
    `--log-level=${logLevel}`,
  ]);
}

export function agentRole(options: RoleOptions, pushPort: number, onLine: OnLine): Role {
  const { instance, pki, nodeName, agentTokenFile, cgroupRoot, procRoot, logLevel } = options;
  const caFile = instance.writeSecret('ca.pem', pki.ca);
  return role('agent', `headroom-agent-${nodeName}`, onLine, (ports) => [
    `--node-name=${nodeName}`,
    `--aggregator=https://127.0.0.1:${pushPort}`,
    `--aggregator-ca-file=${caFile}`,
    `--token-file=${agentTokenFile}`,
    `--cgroup-root=${cgroupRoot}`,
    `--proc-root=${procRoot}`,
    `--push-interval=${PUSH_INTERVAL}`,
    `--listen=127.0.0.1:${portNamed(ports, 'health') ?? 0}`,
    `--debug-listen=127.0.0.1:${portNamed(ports, 'debug') ?? 0}`,
    '--services',
    `--log-level=${logLevel}`,
  ]);
}

/** The metrics API's port is the one that is neither push nor health, whatever its name. */
export function portNamed(ports: Ports | undefined, wanted: 'api' | 'push' | 'health' | 'debug'): number | undefined {
  if (!ports) return undefined;
  if (wanted !== 'api') return ports[wanted];
  return Object.entries(ports).find(([name]) => name !== 'push' && name !== 'health')?.[1];
}

function role(
  name: Role['name'],
  podName: string,
  onLine: OnLine,
  args: (ports: Ports | undefined) => readonly string[],
): Role {
  let ports: Ports | undefined;
  let lastLine = '';
  let resolve: (ports: Ports) => void;
  let reject: (error: Error) => void;
  const listening = new Promise<Ports>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Whoever starts the role awaits it; nobody does when an earlier part fails.
  listening.catch(() => undefined);
  const program = {
    script: siblingScript(import.meta.url, name === 'agent' ? '../../agent/main' : '../main'),
    args: () => args(ports),
    onLine: (line: string, stream: 'stdout' | 'stderr') => {
      lastLine = line;
      const said = listeningPorts(line);
      if (said) {
        ports = said;
        resolve(said);
      }
      onLine(name, line, stream);
    },
    onEnded: () =>
      reject(
        new CodedError(
          'role_failed',
          `the ${name} ended at its start: ${lastLine === '' ? 'it said nothing' : lastLine}`,
        ),
      ),
  };
  return {
    name,
    listening,
    ports: () => ports,
    pod: {
      namespace: SYSTEM_NAMESPACE,
      name: podName,
      labels: { app: `headroom-${name}`, 'app.kubernetes.io/part-of': 'headroom' },
      annotations: {},
      containers: [{ name, image: `headroom.dev/${name}`, resources: { requests: { cpu: '50m', memory: '96Mi' } } }],
      programs: new Map([[name, program]]),
    },
  };
}

function listeningPorts(line: string): Ports | undefined {
  if (!line.startsWith('{') || !line.includes('"listening"')) return undefined;
  try {
    const { msg, ports } = JSON.parse(line) as { msg?: string; ports?: Ports };
    return msg === 'listening' ? ports : undefined;
  } catch {
    return undefined;
  }
}
