// What can be asked of this server, as OpenAPI operations: one model that both versions of OpenAPI are written from.
// Names as k8s.io/apiserver makes them: clients and generators go by them.
import { ALL_TYPES, MEDIA_TYPES } from './media-type.ts';
import { metaSchema, metricsSchema, VERSION_SCHEMA } from './openapi-schemas.ts';
import { METRICS_VERSIONS, NODES, PODS } from './resource.ts';
import type { MetricsVersion, Resource } from './resource.ts';
import { METRICS_GROUP } from './status.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
}

export interface Operation {
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly description: string;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  /** Name of the answer's schema. */
  readonly schema: string;
  readonly parameters: readonly Parameter[];
  readonly action?: 'get' | 'list';
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
}

/** What lists are said to produce: watches too, though they are refused. */
export const LIST_TYPES = [...ALL_TYPES, `${MEDIA_TYPES.json};stream=watch`, `${MEDIA_TYPES.protobuf};stream=watch`];

const IGNORED = 'Taken and without effect: a list is always whole and up to date.';
const NAMESPACE: Parameter = { name: 'namespace', in: 'path', type: 'string', description: 'Where the pods are.' };
const PRETTY = query('pretty', 'string', 'Indent the answer. By default it is indented for browsers, curl and wget.');
const LIST_PARAMETERS: readonly Parameter[] = [
  query('allowWatchBookmarks', 'boolean', IGNORED),
  query('continue', 'string', IGNORED),
  query('fieldSelector', 'string', 'Only objects with these fields: metadata.name and metadata.namespace.'),
  query('labelSelector', 'string', 'Only objects with these labels.'),
  query('limit', 'integer', IGNORED),
  query('resourceVersion', 'string', IGNORED),
  query('resourceVersionMatch', 'string', IGNORED),
  query('sendInitialEvents', 'boolean', 'Refused: there are no watches.'),
  query('shardSelector', 'string', IGNORED),
  query('timeoutSeconds', 'integer', IGNORED),
  query('watch', 'boolean', 'Refused: there are no watches.'),
];

function query(name: string, type: Parameter['type'], description: string): Parameter {
  return { name, in: 'query', type, description };
}

function documentOperation(path: string, id: string, tag: string, description: string, schema: string): Operation {
  return { path, id, tag, description, schema, consumes: ALL_TYPES, produces: ALL_TYPES, parameters: [] };
}

function listOperation(
  version: MetricsVersion,
  resource: Resource,
  path: string,
  id: string,
  inNamespace: boolean,
): Operation {
  return {
    path,
    id,
    tag: `metrics_${version}`,
    description: `list objects of kind ${resource.kind}`,
    consumes: ['*/*'],
    produces: LIST_TYPES,
    schema: metricsSchema(version, `${resource.kind}List`),
    parameters: byName([...LIST_PARAMETERS, PRETTY, ...(inNamespace ? [NAMESPACE] : [])]),
    action: 'list',
    kind: { group: METRICS_GROUP, version, kind: resource.kind },
  };
}

function readOperation(version: MetricsVersion, { kind, namespaced }: Resource, path: string, id: string): Operation {
  const name: Parameter = { name: 'name', in: 'path', type: 'string', description: `name of the ${kind}` };
  return {
    path,
    id,
    tag: `metrics_${version}`,
    description: `read the specified ${kind}`,
    consumes: ['*/*'],
    produces: ALL_TYPES,
    schema: metricsSchema(version, kind),
    parameters: byName([name, PRETTY, ...(namespaced ? [NAMESPACE] : [])]),
    action: 'get',
    kind: { group: METRICS_GROUP, version, kind },
  };
}

function byName(parameters: readonly Parameter[]): readonly Parameter[] {
  return [...parameters].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function versionOperations(version: MetricsVersion): readonly Operation[] {
  const root = `/apis/${METRICS_GROUP}/${version}`;
  const prefix = `Metrics${version[0]!.toUpperCase()}${version.slice(1)}`;
  const pods = `${root}/namespaces/{namespace}/pods`;
  return [
    documentOperation(
      `${root}/`,
      `get${prefix}APIResources`,
      `metrics_${version}`,
      'get available resources',
      metaSchema('APIResourceList'),
    ),
    listOperation(version, PODS, pods, `list${prefix}NamespacedPodMetrics`, true),
    readOperation(version, PODS, `${pods}/{name}`, `read${prefix}NamespacedPodMetrics`),
    listOperation(version, NODES, `${root}/nodes`, `list${prefix}NodeMetrics`, false),
    readOperation(version, NODES, `${root}/nodes/{name}`, `read${prefix}NodeMetrics`),
    listOperation(version, PODS, `${root}/pods`, `list${prefix}PodMetricsForAllNamespaces`, false),
  ];
}

const GROUPS = documentOperation(
  '/apis/',
  'getAPIVersions',
  'apis',
  'get available API versions',
  metaSchema('APIGroupList'),
);
const GROUP = documentOperation(
  `/apis/${METRICS_GROUP}/`,
  'getMetricsAPIGroup',
  'metrics',
  'get information of a group',
  metaSchema('APIGroup'),
);
const VERSION: Operation = {
  ...documentOperation(
    '/version/',
    'getCodeVersion',
    'version',
    'get the version information for this server',
    VERSION_SCHEMA,
  ),
  consumes: [MEDIA_TYPES.json],
  produces: [MEDIA_TYPES.json],
};

/** By the path under /openapi/v3 that describes them. */
export const OPERATIONS: ReadonlyMap<string, readonly Operation[]> = new Map([
  ['apis', [GROUPS]],
  [`apis/${METRICS_GROUP}`, [GROUP]],
  ...METRICS_VERSIONS.map((version): [string, readonly Operation[]] => [
    `apis/${METRICS_GROUP}/${version}`,
    versionOperations(version),
  ]),
  ['version', [VERSION]],
]);
