// Metrics of the kubelet fallback, under metrics-server's names (pkg/scraper): they mean the same. A node's series go when it does.
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

export interface KubeletMetrics {
  requested(success: boolean): void;
  /** A request to a node that is still scraped took so long and ended at `wallMs`. */
  timed(node: string, seconds: number, wallMs: number): void;
  /** The node is not scraped any more. */
  forgotten(node: string): void;
}

export function createKubeletMetrics(registry: Registry): KubeletMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: 'metrics_server_kubelet_request_duration_seconds',
    help: 'Duration of requests to Kubelet API in seconds.',
    labelNames: ['node'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const requests = new Counter({
    name: 'metrics_server_kubelet_request_total',
    help: 'Number of requests sent to Kubelet API.',
    labelNames: ['success'],
    registers,
  });
  const last = new Gauge({
    name: 'metrics_server_kubelet_last_request_time_seconds',
    help: 'Time of last request performed to Kubelet API since unix epoch in seconds.',
    labelNames: ['node'],
    registers,
  });
  for (const success of ['true', 'false']) requests.inc({ success }, 0);
  return {
    requested: (success) => requests.inc({ success: String(success) }),
    timed(node, seconds, wallMs) {
      duration.observe({ node }, seconds);
      last.set({ node }, wallMs / 1000);
    },
    forgotten(node) {
      duration.remove({ node });
      last.remove({ node });
    },
  };
}
