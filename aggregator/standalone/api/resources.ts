// The resources this API serves and what may be done with each. Source: core/v1 discovery of kube-apiserver.

export type Verb = 'create' | 'delete' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export interface ResourceType {
  readonly group: string;
  readonly version: string;
  /** Plural, as in the path. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  /** Groups that kubectl knows by a name of their own: `kubectl get all`. */
  readonly categories?: readonly string[];
  readonly verbs: readonly Verb[];
  readonly subresources: Readonly<Record<string, readonly Verb[]>>;
}

const READ: readonly Verb[] = ['get', 'list', 'watch'];
const WRITE: readonly Verb[] = ['get', 'patch', 'update'];
/** What a status says is the kubelet's word, and it plays in this process: nobody writes it from outside. */
const STATUS: readonly Verb[] = ['get'];

const NODES: ResourceType = {
  group: '',
  version: 'v1',
  resource: 'nodes',
  singular: 'node',
  kind: 'Node',
  namespaced: false,
  shortNames: ['no'],
  verbs: [...READ, 'patch', 'update'],
  subresources: { status: STATUS },
};

const PODS: ResourceType = {
  group: '',
  version: 'v1',
  resource: 'pods',
  singular: 'pod',
  kind: 'Pod',
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  verbs: [...READ, 'create', 'delete', 'patch', 'update'],
  subresources: { resize: WRITE, status: STATUS },
};

const NAMESPACES: ResourceType = {
  group: '',
  version: 'v1',
  resource: 'namespaces',
  singular: 'namespace',
  kind: 'Namespace',
  namespaced: false,
  shortNames: ['ns'],
  verbs: [...READ, 'create', 'patch', 'update'],
  subresources: { status: STATUS },
};

const EVENTS: ResourceType = {
  group: '',
  version: 'v1',
  resource: 'events',
  singular: 'event',
  kind: 'Event',
  namespaced: true,
  shortNames: ['ev'],
  verbs: [...READ, 'create', 'delete', 'patch', 'update'],
  subresources: {},
};

const CONFIG_MAPS: ResourceType = {
  group: '',
  version: 'v1',
  resource: 'configmaps',
  singular: 'configmap',
  kind: 'ConfigMap',
  namespaced: true,
  shortNames: ['cm'],
  verbs: READ,
  subresources: {},
};

export const SERVICE_ACCOUNTS: ResourceType = {
  group: '',
  version: 'v1',
  resource: 'serviceaccounts',
  singular: 'serviceaccount',
  kind: 'ServiceAccount',
  namespaced: true,
  shortNames: ['sa'],
  verbs: READ,
  subresources: { token: ['create'] },
};

export const RESOURCE_TYPES: readonly ResourceType[] = [NODES, PODS, NAMESPACES, EVENTS, CONFIG_MAPS, SERVICE_ACCOUNTS];

/** metrics.k8s.io is served by the aggregator; discovery names it here as kube-aggregator does. */
export const METRICS_GROUP = 'metrics.k8s.io';
export const METRICS_VERSIONS: readonly string[] = ['v1', 'v1beta1'];

export interface ResourcePath {
  readonly type: ResourceType;
  /** Undefined: cluster scope, or all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

const BY_PLURAL = new Map(RESOURCE_TYPES.map((type) => [type.resource, type]));

/** @returns undefined where the path names nothing that is served */
export function parseResourcePath(pathname: string): ResourcePath | undefined {
  let parts: string[];
  try {
    parts = pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
  if (parts.at(-1) === '') parts.pop();
  if (parts[0] !== 'api' || parts[1] !== 'v1' || parts.includes('')) return undefined;
  // /namespaces/{name} and its status are the namespace itself; anything else below it is a resource within.
  const within = parts[2] === 'namespaces' && parts.length > 4 && BY_PLURAL.get(parts[4] ?? '')?.namespaced === true;
  const rest = parts.slice(within ? 4 : 2);
  const [plural = '', name, subresource, ...more] = rest;
  const type = BY_PLURAL.get(plural);
  if (!type || more.length > 0) return undefined;
  if (subresource !== undefined && !Object.hasOwn(type.subresources, subresource)) return undefined;
  if (type.namespaced && !within && name !== undefined) return undefined;
  return {
    type,
    ...(within ? { namespace: parts[3]! } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}
