// The two resources of metrics.k8s.io, in the same form for all handlers. Contract: k8s.io/metrics types, metrics-server pkg/api.
import type { ItemSource, StoredItem, Stretch } from '../store/views.ts';
import type { Named } from './item-usage.ts';
import type { Refusal } from './status.ts';
import { metricsNotFound, objectNotFound } from './status.ts';

export const METRICS_VERSIONS = ['v1', 'v1beta1'] as const;
export type MetricsVersion = (typeof METRICS_VERSIONS)[number];

export type Item = StoredItem<Named>;

export interface Resource {
  readonly resource: 'nodes' | 'pods';
  readonly kind: 'NodeMetrics' | 'PodMetrics';
  readonly namespaced: boolean;
  /** Ready bytes of the list, stretch by stretch. */
  stretches(source: ItemSource, namespace: string | undefined): readonly Stretch<Named>[];
  items(source: ItemSource, namespace: string | undefined): Iterable<Item>;
  item(source: ItemSource, namespace: string, name: string): Item | undefined;
  unknown(name: string): Refusal;
  withoutMetrics(namespace: string, name: string): Refusal;
}

export const NODES: Resource = {
  resource: 'nodes',
  kind: 'NodeMetrics',
  namespaced: false,
  stretches: (source) => source.nodeStretches(),
  items: (source) => source.nodeItems(),
  item: (source, _namespace, name) => source.nodeItem(name),
  unknown: (name) => objectNotFound('node', name),
  withoutMetrics: (_namespace, name) => metricsNotFound('nodemetrics', name),
};

export const PODS: Resource = {
  resource: 'pods',
  kind: 'PodMetrics',
  namespaced: true,
  stretches: (source, namespace) => source.podStretches(namespace),
  items: (source, namespace) => source.podItems(namespace),
  item: (source, namespace, name) => source.podItem(namespace, name),
  unknown: (name) => objectNotFound('pods', name),
  withoutMetrics: (namespace, name) => metricsNotFound('podmetrics', `${namespace}/${name}`),
};
