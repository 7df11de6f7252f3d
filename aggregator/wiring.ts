// The aggregator's parts and how they hang together: pushes and watches → store → metrics API; shortages → resizer → pods/resize.
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../agent/runtime/clock.ts';
import type { Clock } from '../agent/runtime/clock.ts';
import type { Logger } from '../agent/runtime/logger.ts';
import type { Shutdown } from '../agent/runtime/shutdown.ts';
import { startAccess } from './access-parts.ts';
import type { Access } from './access-parts.ts';
import { metricsEncoders } from './api/item-encoder.ts';
import { createMetricsServer } from './api/metrics-server.ts';
import { startFallback } from './fallback-parts.ts';
import type { Fallback } from './fallback-parts.ts';
import type { AggregatorFlags } from './flags.ts';
import { createHealth } from './health.ts';
import type { Health } from './health.ts';
import { EarlyShortages } from './intake/early-shortages.ts';
import { projectKubeletNode } from './intake/kubelet/kubelet-node.ts';
import { readOwnBootId } from './intake/own-boot-id.ts';
import { createPushServer } from './intake/push-server.ts';
import { createKubeClient } from './kube/client.ts';
import { collectedOnce } from './kube/collect.ts';
import { loadKubeEndpoint } from './kube/config.ts';
import type { KubeEndpoint } from './kube/endpoint.ts';
import { EventRecorder } from './kube/events.ts';
import { createKubeHttp } from './kube/http.ts';
import type { Environment } from './kube/in-cluster.ts';
import type { KubeHttp } from './kube/http.ts';
import { keepWarm } from './kube/keep-warm.ts';
import { NODE_SHAPE, projectNode } from './kube/project-node.ts';
import { POD_SHAPE, projectPod } from './kube/project-pod.ts';
import { Reflector } from './kube/reflector.ts';
import { createLeader } from './leader-parts.ts';
import type { Leader } from './leader-parts.ts';
import { createAggregatorMetrics } from './metrics.ts';
import type { AggregatorMetrics } from './metrics.ts';
import { rehearseSoon } from './rehearsal.ts';
import { Resizer } from './resize/resizer.ts';
import type { ResizeMode } from './resize/resizer.ts';
import { createServingCertificate } from './serving/serving-certificate.ts';
import type { ServingCertificate } from './serving/serving-certificate.ts';
import { PointStore } from './store/point-store.ts';

export interface Process {
  readonly log: Logger;
  readonly shutdown: Shutdown;
  readonly version: string;
  /** Where a pod finds its API server. */
  readonly environment: Environment;
}

export interface Ports {
  readonly api: number;
  readonly push: number;
}

interface Core extends Omit<Process, 'environment'> {
  /** A signal to end has come: whoever sends requests should find another replica. */
  readonly ending: { begun: boolean };
  readonly flags: AggregatorFlags;
  readonly clock: Clock;
  readonly endpoint: KubeEndpoint;
  readonly userAgent: string;
  readonly http: KubeHttp;
  readonly store: PointStore;
  readonly metrics: AggregatorMetrics;
}

/** Listens at once; readiness tells when the answers are whole. @throws CodedError for what the operator can mend */
export async function startAggregator(flags: AggregatorFlags, started: Process): Promise<Ports> {
  const { log, shutdown, version, environment } = started;
  const clock = systemClock();
  const endpoint = await loadKubeEndpoint(flags.kubeconfig, environment);
  const userAgent = `headroom-aggregator/${version}`;
  const http = createKubeHttp(endpoint, userAgent);
  shutdown.onClose('kube', () => http.close());
  const monoMs = (): number => clock.bootTimeMs();
  const wallMs = (): number => clock.wallTimeMs();
  const store = new PointStore({ ...metricsEncoders, clock: monoMs, wallMs, stalenessMs: flags.staleness, log });
  const metrics = createAggregatorMetrics({ counts: () => store.counts(), clockSkews: () => store.clockSkews() });
  const ending = { begun: false };
  const core = { ending, flags, log, shutdown, version, clock, http, store, metrics, endpoint, userAgent };
  const access = startReviews(core);
  const serving = await startServing(core);
  const leader = createLeader(core);
  const resizing = startResizing(core, leader);
  const fallback = startFallback(core);
  const synced = startWatches(core, resizing, fallback);
  const unheard = unheardOf(core);
  startLeading(core, leader, resizing, () => synced() && unheard() === undefined);
  const push = createPushServer({
    tls: serving.current(),
    agents: access.agents,
    store,
    clock: monoMs,
    wallMs,
    bootId: readOwnBootId(),
    log,
    metrics,
    onShortage: (event) => resizing.resizer.onShortage(event),
    onEarlyShortage: (batch, shortage) => resizing.early.keep(batch, shortage),
    onObserved: (containerId, observation) => resizing.resizer.onObserved(containerId, observation),
    fencing: () => leader.fencing(),
    onForeignPods: (_, uids) => metrics.foreignPods(uids.length),
    onRefused: (node, code, message) => fallback.refused.refused(node, { code, message, atMs: wallMs() }),
  });
  const api = createMetricsServer({
    tls: serving.current(),
    trust: access.trust,
    admit: access.admit,
    source: store,
    health: healthOf(core, synced, unheard, access),
    gaveOut: (instants, nowWallMs) => metrics.gaveOut(instants, nowWallMs),
    metricsText: async () => ({ contentType: metrics.registry.contentType, body: await metrics.registry.metrics() }),
    missing: (query) => fallback.missing.answer(query),
    log,
  });
  serving.onChange((pair) => {
    for (const server of [api, push]) server.renew(pair);
  });
  const ports = {
    api: await api.listen(flags['bind-address'], flags['secure-port']),
    push: await push.listen(flags['bind-address'], flags['push-port']),
  };
  shutdown.onClose('metrics api', () => api.close());
  shutdown.onClose('push', () => push.close());
  shutdown.onClose('drain', () => drain(core));
  return ports;
}

async function drain({ ending, flags }: Core): Promise<void> {
  ending.begun = true;
  await sleep(flags['shutdown-delay']);
}

function startReviews({ endpoint, userAgent, flags, http, metrics, clock, log, shutdown }: Core): Access {
  const reviews = createKubeHttp(endpoint, userAgent);
  shutdown.onClose('reviews', () => reviews.close());
  const onRefused = (status: number): void => metrics.refused(status);
  const access = startAccess({ flags, http, reviews, clock, log, onRefused });
  shutdown.onClose('client trust', () => access.trust.close());
  return access;
}

async function startServing({
  endpoint,
  flags,
  http,
  metrics,
  clock,
  log,
  shutdown,
}: Core): Promise<ServingCertificate> {
  const serving = await createServingCertificate({
    certFile: flags['tls-cert-file'],
    keyFile: flags['tls-private-key-file'],
    namespace: flags.namespace ?? endpoint.namespace ?? 'default',
    http,
    clock,
    log,
  });
  shutdown.onClose('serving certificate', () => serving.close());
  metrics.serving(() => serving.expiresAtMs());
  return serving;
}

interface Resizing {
  readonly resizer: Resizer;
  readonly early: EarlyShortages;
}

function startResizing({ flags, http, store, metrics, clock, log, shutdown }: Core, leader: Leader): Resizing {
  const kube = createKubeClient(http);
  const events = new EventRecorder({ kube, clock, log, instance: hostname() });
  shutdown.onClose('events', () => events.close());
  const resizer = new Resizer({
    mode: flags.resize as ResizeMode,
    kube,
    leads: () => leader.leads(),
    node: (name) => store.nodeItem(name)?.record,
    pod: (uid) => store.pod(uid),
    observation: (containerId) => store.observation(containerId),
    events,
    count: (resource, outcome) => metrics.resize(resource, outcome),
    clock,
    log,
  });
  shutdown.onClose('resizer', () => resizer.close());
  if (flags.resize === 'on') {
    shutdown.onClose('warm connections', keepWarm(kube));
    shutdown.onClose('rehearsal', rehearseSoon(log, clock));
  }
  const early = new EarlyShortages({
    store,
    clock: () => clock.bootTimeMs(),
    wallMs: () => clock.wallTimeMs(),
    onShortage: (event) => resizer.onShortage(event),
    log,
  });
  return { resizer, early };
}

/** @param mayLead whether this replica knows enough to act */
function startLeading({ store }: Core, leader: Leader, { early }: Resizing, mayLead: () => boolean): void {
  const podIsThere = (namespace: string, name: string): boolean => store.hasPod(namespace, name);
  leader.start({ mayLead, onLeading: () => early.leading(), podIsThere });
}

/** @returns whether both were listed whole once */
function startWatches(
  { http, store, clock, log, shutdown }: Core,
  { resizer, early }: Resizing,
  { scraper }: Fallback,
): () => boolean {
  const nodes = new Reflector({
    path: '/api/v1/nodes',
    shape: NODE_SHAPE,
    project: (object) => {
      const [record, kubelet] = [projectNode(object), projectKubeletNode(object)];
      return record && kubelet && { record, kubelet };
    },
    keyOf: ({ name }) => name,
    onUpsert: ({ record, kubelet }) => {
      store.upsertNode(record);
      scraper.upsertNode(kubelet);
    },
    onRemove: (name) => {
      store.removeNode(name);
      scraper.removeNode(name);
    },
    http,
    clock,
    log,
  });
  const pods = new Reflector({
    path: '/api/v1/pods',
    shape: POD_SHAPE,
    project: projectPod,
    keyOf: ({ uid }) => uid,
    onUpsert: (pod) => {
      store.upsertPod(pod);
      resizer.onPodUpsert(pod);
      early.podChanged(pod.nodeName);
    },
    onRemove: (uid) => {
      store.removePod(uid);
      resizer.onPodRemoved(uid);
    },
    http,
    clock,
    log,
  });
  for (const reflector of [nodes, pods]) reflector.start();
  shutdown.onClose('watches', async () => void (await Promise.all([nodes.close(), pods.close()])));
  return () => nodes.lastSyncMs > -Infinity && pods.lastSyncMs > -Infinity;
}

/** @returns what is still missing: agents had time to push once the time-out is over */
function unheardOf({ flags, store, clock }: Core): () => string | undefined {
  const startMs = clock.bootTimeMs();
  return () => {
    if (clock.bootTimeMs() - startMs >= flags['ready-timeout']) return undefined;
    const silent = store.silentNodes();
    return silent === 0 ? undefined : `${silent} nodes have not pushed yet`;
  };
}

/** Partial lists mislead autoscalers: not ready before pods and nodes are known and their agents had time to push. */
function healthOf(
  { ending, log }: Core,
  synced: () => boolean,
  unheard: () => string | undefined,
  { trust }: Access,
): Health {
  const unsynced = (): string | undefined => (synced() ? undefined : 'pods and nodes are not listed yet');
  const readyz = [
    { name: 'shutdown', problem: () => (ending.begun ? 'this process is about to end' : undefined) },
    { name: 'kube-sync', problem: unsynced },
    { name: 'nodes-pushed', problem: collectedOnce(unheard, synced) },
    { name: 'client-trust', problem: () => trust.problem() },
  ];
  return createHealth({ livez: [], readyz, log });
}
