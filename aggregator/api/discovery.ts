// Discovery: what this server serves, legacy (APIGroupList, APIGroup, APIResourceList) and aggregated (apidiscovery.k8s.io/v2,
// with an ETag). v1 comes first: clients take the first version they know. Contract: k8s.io/apiserver endpoints/discovery.
import { createHash } from 'node:crypto';
import type { Answer, Document } from './answer.ts';
import { documentAnswer } from './answer.ts';
import { LIST_META } from './kube-protobuf.ts';
import type { Restrictions } from './media-type.ts';
import { ALL_TYPES, isProduced, MEDIA_TYPES, negotiate, PLAIN } from './media-type.ts';
import { field, fields, integerField } from './protobuf.ts';
import { METRICS_VERSIONS, NODES, PODS } from './resource.ts';
import type { MetricsVersion, Resource } from './resource.ts';
import type { Refusal } from './status.ts';
import { METRICS_GROUP, notNegotiable, notProduced } from './status.ts';
import type { Json } from './yaml.ts';

const RESOURCES: readonly Resource[] = [NODES, PODS];
const VERBS = ['get', 'list'];
const FRESHNESS = 'Current';

const VERSIONS = METRICS_VERSIONS.map((version) => ({ groupVersion: `${METRICS_GROUP}/${version}`, version }));
const GROUP = { name: METRICS_GROUP, versions: VERSIONS, preferredVersion: VERSIONS[0]! };

const LEGACY = new Map<string, Document>([
  [
    '/apis',
    {
      apiVersion: '', // as Go writes this one list
      kind: 'APIGroupList',
      json: { kind: 'APIGroupList', groups: [GROUP] },
      protobuf: () => field(1, groupMessage()),
    },
  ],
  [
    `/apis/${METRICS_GROUP}`,
    {
      apiVersion: 'v1',
      kind: 'APIGroup',
      json: { kind: 'APIGroup', apiVersion: 'v1', ...GROUP },
      protobuf: groupMessage,
    },
  ],
  ...VERSIONS.map(({ groupVersion }): [string, Document] => [`/apis/${groupVersion}`, resourceList(groupVersion)]),
]);

export const DISCOVERY_PATHS: readonly string[] = [...LEGACY.keys()];

function groupMessage(): Buffer {
  const versions = VERSIONS.map(({ groupVersion, version }) =>
    Buffer.concat([field(1, groupVersion), field(2, version)]),
  );
  return Buffer.concat([field(1, METRICS_GROUP), fields(2, versions), field(3, versions[0]!)]);
}

function resourceList(groupVersion: string): Document {
  const kind = 'APIResourceList';
  const resources = RESOURCES.map((one) => ({
    name: one.resource,
    singularName: '',
    namespaced: one.namespaced,
    kind: one.kind,
    verbs: VERBS,
  }));
  return {
    apiVersion: 'v1',
    kind,
    json: { kind, apiVersion: 'v1', groupVersion, resources },
    protobuf: () => Buffer.concat([field(1, groupVersion), fields(2, RESOURCES.map(resourceMessage))]),
  };
}

function resourceMessage({ resource, namespaced, kind }: Resource): Buffer {
  return Buffer.concat([
    field(1, resource),
    integerField(2, namespaced),
    field(3, kind),
    field(4, fields(1, VERBS)),
    field(6, ''), // singularName
    field(8, ''), // group and
    field(9, ''), // version: the list's
    field(10, ''), // storageVersionHash
  ]);
}

const AGGREGATED: Document = {
  apiVersion: 'apidiscovery.k8s.io/v2',
  kind: 'APIGroupDiscoveryList',
  json: {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: [{ metadata: { name: METRICS_GROUP }, versions: METRICS_VERSIONS.map(aggregatedVersion) }],
  },
  protobuf: () => {
    const versions = METRICS_VERSIONS.map((version) =>
      Buffer.concat([field(1, version), fields(2, RESOURCES.map(aggregatedMessage)), field(3, FRESHNESS)]),
    );
    return Buffer.concat([
      field(1, LIST_META),
      field(2, Buffer.concat([field(1, GROUP_METADATA), fields(2, versions)])),
    ]);
  },
};

/** ObjectMeta of the group: a name, and no time. */
const GROUP_METADATA = Buffer.concat([
  field(1, METRICS_GROUP),
  ...[2, 3, 4, 5, 6].map((number) => field(number, '')),
  integerField(7, 0),
  field(8, ''),
]);

/** Group and version of the kinds are left empty: they are those that they are listed under. */
function aggregatedVersion(version: MetricsVersion): Json {
  return {
    version,
    resources: RESOURCES.map(({ resource, namespaced, kind }) => ({
      resource,
      responseKind: { group: '', version: '', kind },
      scope: scopeOf(namespaced),
      singularResource: '',
      verbs: VERBS,
    })),
    freshness: FRESHNESS,
  };
}

function aggregatedMessage({ resource, namespaced, kind }: Resource): Buffer {
  const responseKind = Buffer.concat([field(1, ''), field(2, ''), field(3, kind)]);
  return Buffer.concat([
    field(1, resource),
    field(2, responseKind),
    field(3, scopeOf(namespaced)),
    field(4, ''), // singularResource
    fields(5, VERBS),
  ]);
}

function scopeOf(namespaced: boolean): string {
  return namespaced ? 'Namespaced' : 'Cluster';
}

const AGGREGATED_PARAMETERS = ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const AGGREGATED_ETAG = `"${createHash('sha512').update(JSON.stringify(AGGREGATED.json)).digest('hex').toUpperCase()}"`;
const AGGREGATED_ONLY: Restrictions = {
  allows: (_media, convert) =>
    convert?.group === 'apidiscovery.k8s.io' && convert.version === 'v2' && convert.kind === 'APIGroupDiscoveryList',
};

export interface Asker {
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly pretty: boolean;
}

/** @returns undefined where the path is no discovery document */
export function discovery(path: string, asker: Asker): Answer | Refusal | undefined {
  const document = LEGACY.get(path);
  if (!document) return undefined;
  const { accept, pretty } = asker;
  if (!isProduced(accept, ALL_TYPES)) return notProduced(ALL_TYPES);
  const aggregated = path === '/apis' ? aggregatedAnswer(asker) : undefined;
  if (aggregated) return aggregated;
  const accepted = negotiate(accept, PLAIN);
  if (!accepted) return notNegotiable(ALL_TYPES);
  return documentAnswer(200, document, { ...accepted, pretty: accepted.pretty || pretty });
}

/** Undefined for whom does not ask for it. */
function aggregatedAnswer({ accept, ifNoneMatch, pretty }: Asker): Answer | undefined {
  if (accept === undefined) return undefined;
  const accepted = negotiate(accept, AGGREGATED_ONLY);
  if (!accepted) return undefined;
  const headers = { ETag: AGGREGATED_ETAG, Vary: 'Accept', 'Cache-Control': 'public' };
  if (ifNoneMatch === AGGREGATED_ETAG) return { kind: 'answer', code: 304, contentType: '', chunks: [], headers };
  const answer = documentAnswer(200, AGGREGATED, { ...accepted, pretty: accepted.pretty || pretty });
  return { ...answer, contentType: `${MEDIA_TYPES[accepted.media]}${AGGREGATED_PARAMETERS}`, headers };
}
