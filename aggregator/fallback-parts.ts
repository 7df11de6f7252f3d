// What stands in for agents that are not there (the kubelets' own figures), and what tells why something has no metrics.
import type { Clock } from '../agent/runtime/clock.ts';
import type { Logger } from '../agent/runtime/logger.ts';
import type { Shutdown } from '../agent/runtime/shutdown.ts';
import type { AggregatorFlags } from './flags.ts';
import { FallbackScraper } from './intake/kubelet/fallback-scraper.ts';
import { kubeletAccess } from './intake/kubelet/kubelet-access.ts';
import { createKubeletHttp } from './intake/kubelet/kubelet-http.ts';
import { createKubeletMetrics } from './intake/kubelet/kubelet-metrics.ts';
import type { KubeEndpoint } from './kube/endpoint.ts';
import type { KubeHttp } from './kube/http.ts';
import type { AggregatorMetrics } from './metrics.ts';
import { HpaWatch } from './missing/hpa-watch.ts';
import { createHpaTargets } from './missing/hpa-targets.ts';
import { addMissingGauge } from './missing/missing-metrics.ts';
import { MissingReport } from './missing/missing-report.ts';
import { createRefusedPushes } from './missing/refused-pushes.ts';
import type { RefusedPushes } from './missing/refused-pushes.ts';
import type { PointStore } from './store/point-store.ts';

export interface FallbackParts {
  readonly flags: AggregatorFlags;
  readonly endpoint: KubeEndpoint;
  readonly http: KubeHttp;
  readonly store: PointStore;
  readonly metrics: AggregatorMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly shutdown: Shutdown;
  readonly userAgent: string;
}

export interface Fallback {
  readonly scraper: FallbackScraper;
  readonly refused: RefusedPushes;
  readonly missing: MissingReport;
}

/** Agents that are there have pushed by then: their nodes' kubelets are not asked. */
const GRACE_MS = 10_000;

/** @throws CodedError tls_file */
export function startFallback(parts: FallbackParts): Fallback {
  const { flags, endpoint, http, store, metrics, clock, log, shutdown, userAgent } = parts;
  const monoMs = (): number => clock.bootTimeMs();
  const wallMs = (): number => clock.wallTimeMs();
  const access = kubeletAccess(flags, endpoint, monoMs, log);
  const scraper = new FallbackScraper({
    store,
    http: createKubeletHttp(access, flags['kubelet-request-timeout'], userAgent),
    rules: {
      preferredAddressTypes: flags['kubelet-preferred-address-types'],
      port: flags['kubelet-port'],
      useNodeStatusPort: flags['kubelet-use-node-status-port'],
    },
    metrics: createKubeletMetrics(metrics.registry),
    resolutionMs: flags['metric-resolution'],
    stalenessMs: flags.staleness,
    graceMs: GRACE_MS,
    clock: monoMs,
    wallMs,
    log,
  });
  scraper.start();
  shutdown.onClose('kubelet fallback', () => scraper.close());
  const autoscalers = new HpaWatch({ http, clock, log });
  autoscalers.start();
  shutdown.onClose('autoscalers', () => autoscalers.close());
  const refused = createRefusedPushes();
  const missing = new MissingReport({
    store,
    kubeletOf: (node) => scraper.stateOf(node),
    refused,
    unknownHpas: () => (autoscalers.isWatching ? autoscalers.unknown() : undefined),
    targets: createHpaTargets(http, clock, log),
    clock: monoMs,
    wallMs,
    log,
  });
  missing.start();
  shutdown.onClose('missing metrics', () => missing.close());
  addMissingGauge(metrics.registry, () => missing.counts());
  return { scraper, refused, missing };
}
