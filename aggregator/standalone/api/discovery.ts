// Discovery documents: legacy (APIVersions, APIGroupList, APIResourceList) and aggregated (apidiscovery.k8s.io/v2).
// Source: meta/v1 and apidiscovery/v2 types; what kube-apiserver and kube-aggregator answer at /api and /apis.
import type { ResourceType, Verb } from './resources.ts';
import { METRICS_GROUP, METRICS_VERSIONS, RESOURCE_TYPES } from './resources.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export interface DiscoveryDocument {
  readonly contentType: string;
  readonly body: unknown;
}

/**
 * @param accept the request's Accept header
 * @param metrics whether an aggregator is behind metrics.k8s.io
 * @returns undefined where the path is no discovery document of this server
 */
export function discoveryDocument(pathname: string, accept: string, metrics: boolean): DiscoveryDocument | undefined {
  const path = pathname.replace(/\/$/, '');
  const aggregated = /as=APIGroupDiscoveryList/.test(accept) && /v=v2(?![a-z0-9])/.test(accept);
  switch (path) {
    case '/api':
      if (aggregated) return { contentType: AGGREGATED, body: groupDiscoveryList([CORE]) };
      return json({ kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });
    case '/apis':
      if (aggregated) return { contentType: AGGREGATED, body: groupDiscoveryList(metrics ? [METRICS] : []) };
      return json({ kind: 'APIGroupList', apiVersion: 'v1', groups: metrics ? [metricsGroup()] : [] });
    case `/apis/${METRICS_GROUP}`:
      return metrics ? json({ kind: 'APIGroup', apiVersion: 'v1', ...metricsGroup() }) : undefined;
    case '/api/v1':
      return json({ kind: 'APIResourceList', groupVersion: 'v1', resources: RESOURCE_TYPES.flatMap(legacyEntries) });
    default:
      return undefined;
  }
}

function json(body: unknown): DiscoveryDocument {
  return { contentType: 'application/json', body };
}

function metricsGroup(): object {
  const versions = METRICS_VERSIONS.map((version) => ({ groupVersion: `${METRICS_GROUP}/${version}`, version }));
  return { name: METRICS_GROUP, versions, preferredVersion: versions[0] };
}

function legacyEntries({
  resource,
  singular,
  kind,
  namespaced,
  shortNames,
  categories,
  verbs,
  subresources,
}: ResourceType): unknown[] {
  return [
    { name: resource, singularName: singular, namespaced, kind, verbs, shortNames, categories },
    ...Object.entries(subresources).map(([name, verbs]) => ({
      name: `${resource}/${name}`,
      singularName: '',
      namespaced,
      kind,
      verbs,
    })),
  ];
}

const CORE = {
  metadata: { name: '', creationTimestamp: null },
  versions: [{ version: 'v1', freshness: 'Current', resources: RESOURCE_TYPES.map(aggregatedEntry) }],
};

function aggregatedEntry(type: ResourceType): unknown {
  const responseKind = { group: type.group, version: type.version, kind: type.kind };
  return {
    resource: type.resource,
    responseKind,
    scope: type.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: type.singular,
    verbs: type.verbs,
    shortNames: type.shortNames,
    categories: type.categories,
    subresources: Object.entries(type.subresources).map(([subresource, verbs]) => ({
      subresource,
      responseKind,
      verbs,
    })),
  };
}

const METRICS = {
  metadata: { name: METRICS_GROUP, creationTimestamp: null },
  versions: METRICS_VERSIONS.map((version) => ({
    version,
    freshness: 'Current',
    resources: [
      metricsEntry(version, 'nodes', 'NodeMetrics', 'Cluster'),
      metricsEntry(version, 'pods', 'PodMetrics', 'Namespaced'),
    ],
  })),
};

function metricsEntry(version: string, resource: string, kind: string, scope: string): unknown {
  const verbs: readonly Verb[] = ['get', 'list'];
  return { resource, responseKind: { group: METRICS_GROUP, version, kind }, scope, singularResource: '', verbs };
}

function groupDiscoveryList(items: readonly unknown[]): unknown {
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}
