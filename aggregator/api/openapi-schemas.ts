// The types that the API's answers are made of, as OpenAPI schemas under their names in Kubernetes. References are written as
// `{ ref: name }`: OpenAPI v2 and v3 keep schemas in different places. Contract: k8s.io/metrics, apimachinery meta/v1.
import { METRICS_VERSIONS } from './resource.ts';
import type { MetricsVersion } from './resource.ts';
import { METRICS_GROUP } from './status.ts';
import type { Json } from './yaml.ts';

export type Schema = { readonly [key: string]: Json };

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
export const QUANTITY_SCHEMA = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
export const VERSION_SCHEMA = 'io.k8s.apimachinery.pkg.version.Info';

export function metricsSchema(version: MetricsVersion, kind: string): string {
  return `io.k8s.metrics.pkg.apis.metrics.${version}.${kind}`;
}

export function metaSchema(kind: string): string {
  return `${META}.${kind}`;
}

const TEXT: Schema = { type: 'string' };
const INT64: Schema = { type: 'integer', format: 'int64' };
const TRUTH: Schema = { type: 'boolean' };
const ATOMIC = { 'x-kubernetes-list-type': 'atomic' };

function described(description: string, schema: Schema): Schema {
  return { description, ...schema };
}

function reference(name: string, description?: string): Schema {
  return description === undefined ? { ref: name } : { description, ref: name };
}

function list(items: Schema, more: Schema = {}): Schema {
  return { type: 'array', items, ...more };
}

function map(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

function object(description: string, properties: Schema, required: readonly string[] = [], more: Schema = {}): Schema {
  return { description, type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...more };
}

const TYPE_META: Schema = {
  apiVersion: described('Group and version of this object.', TEXT),
  kind: described('Type of this object.', TEXT),
};

function kindOf(group: string, version: string, kind: string): Schema {
  return { 'x-kubernetes-group-version-kind': [{ group, kind, version }] };
}

const TIMESTAMP = reference(metaSchema('Time'), 'When the sample was read; the window ends here.');
const WINDOW = reference(metaSchema('Duration'), 'The span over which the CPU use is an average.');
const USAGE = described(
  'What was used: cpu on average over the window, memory (its working set) and swap at its end.',
  map(reference(QUANTITY_SCHEMA)),
);

function metricsSchemas(version: MetricsVersion): [string, Schema][] {
  const name = (kind: string): string => metricsSchema(version, kind);
  const metadata = reference(metaSchema('ObjectMeta'), 'Name and labels of what was measured.');
  const own = (kind: string): Schema => kindOf(METRICS_GROUP, version, kind);
  const listOf = (kind: string): [string, Schema] => [
    name(`${kind}List`),
    object(
      `A list of ${kind}.`,
      { ...TYPE_META, items: list(reference(name(kind))), metadata: reference(metaSchema('ListMeta')) },
      ['items'],
      own(`${kind}List`),
    ),
  ];
  return [
    [
      name('ContainerMetrics'),
      object('What one container uses.', { name: described('Of the container.', TEXT), usage: USAGE }, [
        'name',
        'usage',
      ]),
    ],
    [
      name('NodeMetrics'),
      object(
        'What one node uses.',
        { ...TYPE_META, metadata, timestamp: TIMESTAMP, usage: USAGE, window: WINDOW },
        ['timestamp', 'window', 'usage'],
        own('NodeMetrics'),
      ),
    ],
    listOf('NodeMetrics'),
    [
      name('PodMetrics'),
      object(
        'What the running containers of one pod use.',
        {
          ...TYPE_META,
          containers: described('In the order of the pod.', list(reference(name('ContainerMetrics')), ATOMIC)),
          metadata,
          timestamp: TIMESTAMP,
          window: WINDOW,
        },
        ['timestamp', 'window', 'containers'],
        own('PodMetrics'),
      ),
    ],
    listOf('PodMetrics'),
  ];
}

const OBJECT_META = object('What every object has.', {
  annotations: map(TEXT),
  creationTimestamp: reference(metaSchema('Time')),
  deletionGracePeriodSeconds: INT64,
  deletionTimestamp: reference(metaSchema('Time')),
  finalizers: list(TEXT, { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' }),
  generateName: TEXT,
  generation: INT64,
  labels: map(TEXT),
  managedFields: list(reference(metaSchema('ManagedFieldsEntry')), ATOMIC),
  name: TEXT,
  namespace: TEXT,
  ownerReferences: list(reference(metaSchema('OwnerReference')), {
    'x-kubernetes-list-map-keys': ['uid'],
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-patch-merge-key': 'uid',
    'x-kubernetes-patch-strategy': 'merge',
  }),
  resourceVersion: TEXT,
  selfLink: TEXT,
  uid: TEXT,
});

function texts(...names: readonly string[]): Schema {
  return Object.fromEntries(names.map((name) => [name, TEXT]));
}

const VERSION_REQUIRED = [
  'major',
  'minor',
  'gitVersion',
  'gitCommit',
  'gitTreeState',
  'buildDate',
  'goVersion',
  'compiler',
  'platform',
];
const VERSION_OPTIONAL = ['emulationMajor', 'emulationMinor', 'minCompatibilityMajor', 'minCompatibilityMinor'];

function discoverySchemas(): [string, Schema][] {
  const group = reference(metaSchema('GroupVersionForDiscovery'));
  const listed = (name: string): Schema => list(reference(metaSchema(name)), ATOMIC);
  return [
    [
      'APIGroup',
      object(
        'The versions of a group.',
        {
          ...TYPE_META,
          name: TEXT,
          preferredVersion: group,
          serverAddressByClientCIDRs: listed('ServerAddressByClientCIDR'),
          versions: list(group, ATOMIC),
        },
        ['name', 'versions'],
        kindOf('', 'v1', 'APIGroup'),
      ),
    ],
    [
      'APIGroupList',
      object('All groups.', { ...TYPE_META, groups: listed('APIGroup') }, ['groups'], kindOf('', 'v1', 'APIGroupList')),
    ],
    [
      'APIResource',
      object(
        'A resource and what can be done with it.',
        {
          ...texts('group', 'kind', 'name', 'singularName', 'storageVersionHash', 'version'),
          categories: list(TEXT, ATOMIC),
          namespaced: TRUTH,
          shortNames: list(TEXT, ATOMIC),
          verbs: list(TEXT),
        },
        ['name', 'singularName', 'namespaced', 'kind', 'verbs'],
      ),
    ],
    [
      'APIResourceList',
      object(
        'The resources of a version.',
        { ...TYPE_META, groupVersion: TEXT, resources: listed('APIResource') },
        ['groupVersion', 'resources'],
        kindOf('', 'v1', 'APIResourceList'),
      ),
    ],
  ];
}

function metaSchemas(): [string, Schema][] {
  return [
    ['Duration', described('A span of time, as Go writes it: "15.032s", "1m0.5s".', TEXT)],
    ['FieldsV1', described('A set of fields.', { type: 'object' })],
    [
      'GroupVersionForDiscovery',
      object('A version of a group.', texts('groupVersion', 'version'), ['groupVersion', 'version']),
    ],
    [
      'ListMeta',
      object('What every list has.', {
        ...texts('continue', 'resourceVersion', 'selfLink'),
        remainingItemCount: INT64,
        shardInfo: reference(metaSchema('ShardInfo')),
      }),
    ],
    [
      'ManagedFieldsEntry',
      object('Who manages which fields.', {
        ...texts('apiVersion', 'fieldsType', 'manager', 'operation', 'subresource'),
        fieldsV1: reference(metaSchema('FieldsV1')),
        time: reference(metaSchema('Time')),
      }),
    ],
    ['ObjectMeta', OBJECT_META],
    [
      'OwnerReference',
      object(
        'What an object belongs to.',
        { ...texts('apiVersion', 'kind', 'name', 'uid'), blockOwnerDeletion: TRUTH, controller: TRUTH },
        ['apiVersion', 'kind', 'name', 'uid'],
        { 'x-kubernetes-map-type': 'atomic' },
      ),
    ],
    [
      'ServerAddressByClientCIDR',
      object('Where clients of a network find the server.', texts('clientCIDR', 'serverAddress'), [
        'clientCIDR',
        'serverAddress',
      ]),
    ],
    ['ShardInfo', object('What part of a list this is.', texts('selector'), ['selector'])],
    ['Time', described('An instant, RFC 3339.', { type: 'string', format: 'date-time' })],
  ];
}

export const SCHEMAS: ReadonlyMap<string, Schema> = new Map([
  [QUANTITY_SCHEMA, described('A number with a suffix: "59123456n", "179m", "1047552Ki".', TEXT)],
  ...[...discoverySchemas(), ...metaSchemas()].map(([name, schema]): [string, Schema] => [metaSchema(name), schema]),
  [VERSION_SCHEMA, object('What was built.', texts(...VERSION_REQUIRED, ...VERSION_OPTIONAL), VERSION_REQUIRED)],
  ...METRICS_VERSIONS.flatMap(metricsSchemas),
]);
