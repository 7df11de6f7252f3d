// What a request is about to do, in the words of RBAC. Contract: k8s.io/apiserver endpoints/request RequestInfo.
// For what is served the attributes are read of the very path that is served, so that nothing else can be meant by them.
import type { AccessAttributes } from '../kube/access-review.ts';
import type { ResourcePath } from './path.ts';
import { METRICS_GROUP } from './status.ts';

export interface Asked {
  readonly method: string;
  /** As it stands in the request line, without the query. */
  readonly path: string;
  readonly query: URLSearchParams | undefined;
  /** Undefined where the path is no resource of this API. */
  readonly target: ResourcePath | undefined;
}

const RESOURCE_VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

export function accessAttributes({ method, path, query, target }: Asked): AccessAttributes {
  if (target) {
    const { version, resource, namespace = '', name = '' } = target;
    const fields = { group: METRICS_GROUP, version, resource: resource.resource, subresource: '', namespace };
    return { kind: 'resource', ...fields, ...verbAndName(method, name, query) };
  }
  const decoded = decodedPath(path);
  const [prefix = '', ...rest] = decoded.split('/').filter((part) => part !== '');
  const isGrouped = prefix === 'apis';
  if ((isGrouped || prefix === 'api') && rest.length >= (isGrouped ? 3 : 2)) {
    return otherResource(method, isGrouped ? rest : ['', ...rest], query);
  }
  return { kind: 'path', verb: method.toLowerCase(), path: decoded };
}

function otherResource(
  method: string,
  [group = '', version = '', ...parts]: readonly string[],
  query: URLSearchParams | undefined,
): AccessAttributes {
  const namespace = parts[0] === 'namespaces' ? (parts[1] ?? '') : '';
  const isWithin = namespace !== '' && parts.length > 2 && parts[2] !== 'status' && parts[2] !== 'finalize';
  const [resource = '', name = '', subresource = ''] = isWithin ? parts.slice(2) : parts;
  const fields = { group, version, resource, subresource, namespace };
  return { kind: 'resource', ...fields, ...verbAndName(method, name, query) };
}

/** Without a name a get is a list or a watch, a delete one of many; a list of one name by field selector asks for that name. */
function verbAndName(
  method: string,
  name: string,
  query: URLSearchParams | undefined,
): { readonly verb: string; readonly name: string } {
  const verb = RESOURCE_VERBS[method] ?? '';
  if (name !== '') return { verb, name };
  if (verb === 'delete') return { verb: 'deletecollection', name };
  if (verb !== 'get') return { verb, name };
  return { verb: wantsWatch(query) ? 'watch' : 'list', name: selectedName(query?.get('fieldSelector') ?? '') };
}

function wantsWatch(query: URLSearchParams | undefined): boolean {
  const watch = query?.get('watch');
  return watch !== undefined && watch !== null && watch !== '0' && watch.toLowerCase() !== 'false';
}

/** Requirements are joined by "and": one that wants a name leaves nothing else to be seen. */
function selectedName(fieldSelector: string): string {
  const name = /(?:^|,)metadata\.name==?([^,=!\\/%]+)(?=,|$)/.exec(fieldSelector)?.[1] ?? '';
  return name === '.' || name === '..' || /\\,metadata\.name/.test(fieldSelector) ? '' : name;
}

function decodedPath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
