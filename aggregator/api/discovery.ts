// Discovery: what this server serves, legacy (APIVersions, APIGroupList, APIGroup, APIResourceList) and aggregated
// (apidiscovery.k8s.io/v2). v1 comes first: clients take the first version they know.
import type { Answer } from './answer.ts';
import { JSON_TYPE, jsonAnswer } from './answer.ts';
import { isJson, mediaRanges } from './media-type.ts';
import { METRICS_VERSIONS, NODES, PODS } from './resource.ts';
import type { Refusal } from './status.ts';
import { METRICS_GROUP, notAcceptable } from './status.ts';

const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const RESOURCES = [NODES, PODS];
const VERBS = ['get', 'list'];

const VERSIONS = METRICS_VERSIONS.map((version) => ({ groupVersion: `${METRICS_GROUP}/${version}`, version }));
const GROUP = { name: METRICS_GROUP, versions: VERSIONS, preferredVersion: VERSIONS[0] };

const LEGACY = new Map<string, object>([
  ['/api', { kind: 'APIVersions', versions: [], serverAddressByClientCIDRs: [] }],
  ['/apis', { kind: 'APIGroupList', apiVersion: 'v1', groups: [GROUP] }],
  [`/apis/${METRICS_GROUP}`, { kind: 'APIGroup', apiVersion: 'v1', ...GROUP }],
  ...VERSIONS.map(({ groupVersion }): [string, object] => [
    `/apis/${groupVersion}`,
    { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: RESOURCES.map(legacyResource) },
  ]),
]);

function legacyResource({ resource, namespaced, kind }: (typeof RESOURCES)[number]): object {
  return { name: resource, singularName: '', namespaced, kind, verbs: VERBS };
}

const AGGREGATED = new Map<string, object>([
  ['/api', discoveryList([])],
  [
    '/apis',
    discoveryList([
      {
        metadata: { name: METRICS_GROUP, creationTimestamp: null },
        versions: METRICS_VERSIONS.map((version) => ({
          version,
          resources: RESOURCES.map(({ resource, namespaced, kind }) => ({
            resource,
            responseKind: { group: METRICS_GROUP, version, kind },
            scope: namespaced ? 'Namespaced' : 'Cluster',
            singularResource: '',
            verbs: VERBS,
          })),
          freshness: 'Current',
        })),
      },
    ]),
  ],
]);

function discoveryList(items: readonly object[]): object {
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

/** @returns undefined where the path is no discovery document */
export function discovery(path: string, accept: string | undefined): Answer | Refusal | undefined {
  const legacy = LEGACY.get(path);
  if (!legacy) return undefined;
  for (const range of mediaRanges(accept ?? '*/*')) {
    if (!isJson(range)) continue;
    const as = range.parameters.get('as');
    if (as === undefined) return jsonAnswer(200, legacy);
    const aggregated = AGGREGATED.get(path);
    const asked = `${range.parameters.get('g')} ${range.parameters.get('v')} ${as}`;
    if (aggregated && asked === 'apidiscovery.k8s.io v2 APIGroupDiscoveryList') {
      return jsonAnswer(200, aggregated, AGGREGATED_TYPE);
    }
  }
  return notAcceptable(`only the following media types are accepted: ${JSON_TYPE}`);
}
