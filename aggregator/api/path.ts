// What a path asks for: /apis/metrics.k8s.io/{v1,v1beta1}/{nodes,pods,namespaces/NS/pods}[/NAME].
import { METRICS_VERSIONS, NODES, PODS } from './resource.ts';
import type { MetricsVersion, Resource } from './resource.ts';
import { METRICS_GROUP } from './status.ts';

export interface ResourcePath {
  readonly version: MetricsVersion;
  readonly resource: Resource;
  /** Undefined: all namespaces, or nodes. */
  readonly namespace?: string;
  /** Undefined: a list. */
  readonly name?: string;
}

const GROUP_PREFIX = `/apis/${METRICS_GROUP}/`;

/** @returns undefined where the path is no resource of this API */
export function resourcePath(path: string): ResourcePath | undefined {
  if (!path.startsWith(GROUP_PREFIX)) return undefined;
  const segments = path.slice(GROUP_PREFIX.length).split('/', 6).map(decoded);
  const [version, ...rest] = segments;
  if (!isVersion(version) || segments.includes('')) return undefined;
  const [first, second, third, fourth] = rest;
  if (first === 'nodes' && rest.length === 1) return { version, resource: NODES };
  if (first === 'nodes' && rest.length === 2) return { version, resource: NODES, name: second! };
  if (first === 'pods' && rest.length === 1) return { version, resource: PODS };
  if (first !== 'namespaces' || third !== 'pods') return undefined;
  if (rest.length === 3) return { version, resource: PODS, namespace: second! };
  return rest.length === 4 ? { version, resource: PODS, namespace: second!, name: fourth! } : undefined;
}

function isVersion(text: string | undefined): text is MetricsVersion {
  return METRICS_VERSIONS.some((version) => version === text);
}

/** '' for what can't be decoded: no object has that name. */
function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return '';
  }
}
