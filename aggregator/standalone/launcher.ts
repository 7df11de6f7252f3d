// Builds a cluster of one from its parts, in order, and registers how each ends: instance → certificates → API → kubelet →
// aggregator → agent → demo. Whatever fails on the way, what was made is removed again.
import { openHierarchy } from '../../agent/cgroup/hierarchy.ts';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import type { Shutdown } from '../../agent/runtime/shutdown.ts';
import type { ClusterApi } from './api/cluster-api.ts';
import { createClusterApi } from './api/cluster-api.ts';
import type { ObjectStore } from './api/object-store.ts';
import type { TokenAuthority } from './api/account-tokens.ts';
import { createTokenAuthority } from './api/account-tokens.ts';
import type { MetricsBackend } from './api/metrics-proxy.ts';
import { refuseForeignPods } from './admission.ts';
import { projectAgentToken } from './agent-token.ts';
import { AGENT_ACCOUNT, AGGREGATOR_ACCOUNT, createClusterObjects } from './cluster-objects.ts';
import { demoPods } from './demo/demo-pods.ts';
import type { StandaloneFlags } from './flags.ts';
import { DEFAULT_API_PORT } from './flags.ts';
import type { Instance } from './instance.ts';
import { claimInstance, instancesFolder } from './instance.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { writeKubeconfig } from './kubeconfig-file.ts';
import type { Program } from './kubelet/container-process.ts';
import type { Kubelet, OwnPod } from './kubelet/kubelet.ts';
import { createKubelet } from './kubelet/kubelet.ts';
import { machineCapacity } from './kubelet/node-object.ts';
import type { ClusterPki } from './pki.ts';
import { createClusterPki } from './pki.ts';
import { runPlainly } from './plain-role.ts';
import type { Missing } from './missing.ts';
import { missingOf, missingPage } from './missing.ts';
import type { OnLine, Role, RoleOptions } from './roles.ts';
import { agentRole, aggregatorRole, portNamed, SYSTEM_NAMESPACE } from './roles.ts';

export interface Launched {
  readonly kubeconfigFile: string;
  readonly apiUrl: string;
  readonly pki: ClusterPki;
  readonly store: ObjectStore;
  /** Address of the agent's /metrics. */
  /** The agent's debugging page. */
  readonly agentUrl: string;
  readonly agentMetricsUrl: string;
  /** What this machine or these rights don't allow, each with what to do about it. */
  readonly missing: readonly string[];
}

/** A role that has not said that it listens after so long is taken for broken. */
const ROLE_START_MS = 30_000;
/** The aggregator's own token is not renewed: it ends with the run. */
const RUN_LIFETIME_S = 10 * 365 * 24 * 3600;
/** As the aggregator's --push-audience. */
const PUSH_AUDIENCE = 'headroom';

/**
 * @param runtimeFolder $XDG_RUNTIME_DIR, or '' where it is not set
 * @throws CodedError, or an Error that tells what a role said at its end
 */
export async function launch(
  flags: StandaloneFlags,
  log: Logger,
  shutdown: Shutdown,
  interrupted: () => boolean,
  onLine: OnLine,
  runtimeFolder: string,
): Promise<Launched> {
  const hierarchy = openHierarchy(flags['cgroup-root'], flags['proc-root']);
  const instance = claimInstance(hierarchy, instancesFolder(runtimeFolder));
  shutdown.onClose('instance', () => instance.release());
  for (const what of instance.removed) log.info({ removed: what }, 'cleaned up after an earlier run');
  const pki = await createClusterPki(Date.now());
  const store = createClusterObjects(pki, Date.now);
  const tokens = createTokenAuthority(Date.now);
  let backend: MetricsBackend | undefined;
  let missing: readonly Missing[] = [];
  const sources = { backend: () => backend, page: () => missingPage(missing) };
  const api = await openApi(flags, log, store, pki, tokens, sources);
  shutdown.onClose('api', () => api.close());
  stopIf(interrupted);
  const kubeconfigFile = flags.kubeconfig ?? instance.kubeconfigFile;
  shutdown.onClose('kubeconfig', adminKubeconfig(kubeconfigFile, api.url, pki, instance));
  const kubelet = createKubelet({
    log,
    wallTimeMs: Date.now,
    store,
    nodeName: flags.nodeName,
    capacity: machineCapacity(),
    writer: instance.writer,
    observe: hierarchy,
  });
  shutdown.onClose('kubelet', () => kubelet.stop());
  missing = missingOf(hierarchy, kubelet.noRights, flags.demo);

  const start = roleStarter(kubelet, instance, log, shutdown);
  const options = roleOptions({ flags, instance, pki, store, tokens, log, shutdown }, api.url);
  const aggregator = aggregatorRole(options, onLine);
  const ports = await start(aggregator);
  stopIf(interrupted);
  backend = metricsBackend(aggregator, pki);
  const agent = agentRole(options, portNamed(ports, 'push')!, onLine);
  const agentPorts = await start(agent);

  stopIf(interrupted);
  if (flags.demo) runDemo(kubelet, instance, flags['leak-rate'], log);
  return {
    kubeconfigFile,
    apiUrl: api.url,
    pki,
    store,
    agentUrl: `http://127.0.0.1:${portNamed(agentPorts, 'debug')}/`,
    agentMetricsUrl: `http://127.0.0.1:${portNamed(agentPorts, 'health')}/metrics`,
    missing: missing.map(({ name, cause }) => `${name}: ${cause}`),
  };
}

/** @returns removes it again */
function adminKubeconfig(file: string, apiUrl: string, pki: ClusterPki, instance: Instance): () => void {
  const text = kubeconfigText(apiUrl, pki.ca, 'admin', { kind: 'certificate', pair: pki.admin });
  const remove = writeKubeconfig(file, text);
  instance.rememberKubeconfig(file, text);
  return remove;
}

interface Ground {
  readonly flags: StandaloneFlags;
  readonly instance: Instance;
  readonly pki: ClusterPki;
  readonly store: ObjectStore;
  readonly tokens: TokenAuthority;
  readonly log: Logger;
  readonly shutdown: Shutdown;
}

function roleOptions({ flags, instance, pki, store, tokens, log, shutdown }: Ground, apiUrl: string): RoleOptions {
  const agentToken = projectAgentToken({
    tokens,
    instance,
    node: { name: flags.nodeName, uid: store.get('nodes', '', flags.nodeName)?.metadata.uid ?? '' },
    accountUid: accountUid(store, AGENT_ACCOUNT),
    audience: PUSH_AUDIENCE,
    onError: (err) => log.error({ err }, 'token of the agent is not renewed'),
  });
  shutdown.onClose('agent token', () => agentToken.close());
  return {
    instance,
    pki,
    apiUrl,
    apiToken: aggregatorToken(tokens, store),
    agentTokenFile: agentToken.file,
    nodeName: flags.nodeName,
    cgroupRoot: flags['cgroup-root'],
    procRoot: flags['proc-root'],
    logLevel: flags['log-level'],
  };
}

function aggregatorToken(tokens: TokenAuthority, store: ObjectStore): string {
  const serviceAccount = { name: AGGREGATOR_ACCOUNT, uid: accountUid(store, AGGREGATOR_ACCOUNT) };
  const order = { namespace: SYSTEM_NAMESPACE, serviceAccount, audiences: [], lifetimeS: RUN_LIFETIME_S };
  return tokens.mint(order).token;
}

function accountUid(store: ObjectStore, name: string): string {
  return store.get('serviceaccounts', SYSTEM_NAMESPACE, name)?.metadata.uid ?? '';
}

/** What is made after the closing began would never be removed. */
function stopIf(interrupted: () => boolean): void {
  if (interrupted()) throw new Error('interrupted by a signal');
}

async function openApi(
  flags: StandaloneFlags,
  log: Logger,
  store: ObjectStore,
  pki: ClusterPki,
  tokens: TokenAuthority,
  sources: { readonly backend: () => MetricsBackend | undefined; readonly page: () => string },
): Promise<ClusterApi> {
  const options = {
    log,
    store,
    wallTimeMs: Date.now,
    tls: { ...pki.serving, clientCa: pki.ca },
    tokens,
    metrics: sources.backend,
    metricsPage: sources.page,
    refuse: refuseForeignPods,
  };
  try {
    return await createClusterApi({ ...options, port: flags['api-port'] ?? DEFAULT_API_PORT });
  } catch (error) {
    const taken = error instanceof CodedError && error.code === 'port_in_use';
    if (!taken || flags['api-port'] !== undefined) throw error;
    const api = await createClusterApi({ ...options, port: 0 });
    log.info({ wanted: DEFAULT_API_PORT, port: api.port }, 'port is taken, the api listens on another one');
    return api;
  }
}

/** The address is asked for at each request: a restarted aggregator comes back to its ports. */
function metricsBackend(aggregator: Role, pki: ClusterPki): MetricsBackend {
  return {
    host: '127.0.0.1',
    port: portNamed(aggregator.ports(), 'api')!,
    serverName: 'localhost',
    ca: pki.ca,
    ...pki.frontProxyClient,
  };
}

function roleStarter(kubelet: Kubelet, instance: Instance, log: Logger, shutdown: Shutdown) {
  return async (role: Role): Promise<Readonly<Record<string, number>>> => {
    const pod = remembered(role.pod, instance);
    if (kubelet.noRights === undefined) kubelet.run(pod);
    else {
      const processes = runPlainly(pod, instance.writer, log);
      shutdown.onClose(role.name, async () => {
        await Promise.all(processes.map((running) => running.stop()));
      });
    }
    const ports = await withDeadline(role.listening, ROLE_START_MS, `the ${role.name} does not say that it listens`);
    log.info({ role: role.name, ports }, 'role is up');
    return ports;
  };
}

function runDemo(kubelet: Kubelet, instance: Instance, leakMibPerSecond: number, log: Logger): void {
  for (const pod of demoPods(leakMibPerSecond, (pod, line) => log.warn({ pod, line }, 'workload said'))) {
    kubelet.run(remembered(pod, instance));
  }
}

function remembered(pod: OwnPod, instance: Instance): OwnPod {
  const programs = [...pod.programs].map(([name, program]): readonly [string, Program] => [
    name,
    { ...program, onStarted: (pid) => instance.remember(pid) },
  ]);
  return { ...pod, programs: new Map(programs) };
}

async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
