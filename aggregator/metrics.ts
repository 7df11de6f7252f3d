// The aggregator's own metrics. Names of metrics-server are kept where they mean the same; what the store keeps is read when
// Prometheus scrapes. A node's series go with the node.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metric } from 'prom-client';
import type { ShortageKind, ShortageResource } from '../agent/protocol/shortage.ts';
import { FreshnessHistogram } from './freshness-histogram.ts';
import type { ResizeCount } from './resize/resizer.ts';
import type { StoreCounts } from './store/point-store.ts';

/** What the figures are read from when scraped. */
export interface Figures {
  readonly counts: () => StoreCounts;
  readonly clockSkews: () => Iterable<{ readonly node: string; readonly skewMs: number }>;
}

export interface AggregatorMetrics {
  readonly registry: Registry;
  /** @param outcome 'accepted', or the code that the push was refused with */
  pushed(outcome: string, bytes: number, seconds: number): void;
  /** Rows of pods that are bound to another node were left out of a push. */
  foreignPods(count: number): void;
  /** A request to the metrics API was not let in. */
  refused(status: number): void;
  /** @param expiresAtMs of the certificate that both ports serve with, Unix ms */
  serving(expiresAtMs: () => number): void;
  shortage(resource: ShortageResource, kind: ShortageKind, outcome: 'raised' | 'unknown_container'): void;
  readonly resize: (resource: ShortageResource, outcome: ResizeCount) => void;
  /** When the points that the API has given out were read, and what the time is; Unix ms. */
  readonly gaveOut: (instants: Float64Array, nowWallMs: number) => void;
}

/** The default's event loop timer fires each 10 ms and costs 0.5–0.9 % of a core. */
const LOOP_PRECISION_MS = 1000;

export function createAggregatorMetrics(figures: Figures): AggregatorMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_PRECISION_MS });
  addStoreGauges(registry, figures);
  const registers = [registry];
  const pushes = new Counter({
    name: 'headroom_push_total',
    help: 'Pushes of agents, by outcome: accepted, or why they were refused.',
    labelNames: ['outcome'],
    registers,
  });
  const pushBytes = new Counter({ name: 'headroom_push_bytes_total', help: 'Bytes of bodies pushed.', registers });
  const pushSeconds = new Histogram({
    name: 'headroom_push_duration_seconds',
    help: 'From the whole body to the answer: decoding and storing one push.',
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25],
    registers,
  });
  const shortages = new Counter({
    name: 'headroom_shortage_total',
    help: 'Shortages that agents raised, by resource, kind and whether the container is known.',
    labelNames: ['resource', 'kind', 'outcome'],
    registers,
  });
  const resizes = new Counter({
    name: 'headroom_resize_total',
    help: 'What shortages led to: no resize (skip, wait), a plan (dry run), an accepted, refused or failed patch, and how accepted ones ended.',
    labelNames: ['resource', 'outcome'],
    registers,
  });
  const { foreignPods, refusals } = refusalCounters(registry);
  const freshness = new FreshnessHistogram(
    'metrics_server_api_metric_freshness_seconds',
    'Freshness of metrics exported: age of each point when it was given out.',
  );
  registry.registerMetric(freshness as unknown as Metric);
  return {
    registry,
    pushed(outcome, bytes, seconds) {
      pushes.inc({ outcome });
      pushBytes.inc(bytes);
      pushSeconds.observe(seconds);
    },
    foreignPods: (count) => foreignPods.inc(count),
    refused: (status) => refusals.inc({ code: status }),
    serving: (expiresAtMs) => addServingGauge(registry, expiresAtMs),
    shortage: (resource, kind, outcome) => shortages.inc({ resource, kind, outcome }),
    resize: (resource, outcome) => resizes.inc({ resource, outcome }),
    gaveOut: (instants, nowWallMs) => freshness.observe(instants, nowWallMs),
  };
}

function refusalCounters(registry: Registry): { readonly foreignPods: Counter; readonly refusals: Counter<'code'> } {
  const registers = [registry];
  const foreignPods = new Counter({
    name: 'headroom_push_foreign_pods_total',
    help: 'Pods in pushes that are bound to another node: their rows were left out.',
    registers,
  });
  const refusals = new Counter({
    name: 'headroom_authentication_refused_total',
    help: 'Requests to the metrics API that were not let in, by status.',
    labelNames: ['code'],
    registers,
  });
  return { foreignPods, refusals };
}

function addServingGauge(registry: Registry, expiresAtMs: () => number): void {
  void new Gauge({
    name: 'headroom_serving_certificate_expiry_seconds',
    help: 'End of the certificate that both ports serve with, Unix time.',
    registers: [registry],
    collect() {
      this.set(expiresAtMs() / 1000);
    },
  });
}

function addStoreGauges(registry: Registry, { counts, clockSkews }: Figures): void {
  const registers = [registry];
  void new Gauge({
    name: 'metrics_server_storage_points',
    help: 'Number of metrics points stored.',
    labelNames: ['type'],
    registers,
    collect() {
      const { nodePoints, containerPoints } = counts();
      this.set({ type: 'node' }, nodePoints);
      this.set({ type: 'container' }, containerPoints);
    },
  });
  void new Gauge({
    name: 'headroom_store_objects',
    help: 'Nodes and pods that the store knows of, and slots that it has for points.',
    labelNames: ['type'],
    registers,
    collect() {
      const { nodes, pods, slots } = counts();
      this.set({ type: 'node' }, nodes);
      this.set({ type: 'pod' }, pods);
      this.set({ type: 'slot' }, slots);
    },
  });
  void new Gauge({
    name: 'headroom_agent_clock_skew_seconds',
    help: "Wall clock of a node's agent minus the aggregator's, at receipt of its newest push.",
    labelNames: ['node'],
    registers,
    collect() {
      this.reset();
      for (const { node, skewMs } of clockSkews()) this.set({ node }, skewMs / 1000);
    },
  });
}
