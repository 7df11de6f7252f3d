// Who may do what in a cluster of one: what the default roles of Kubernetes give to everyone, and what the manifests in deploy/
// give to the aggregator. The agent's ServiceAccount has no rights at all.
import type { AccessAttributes } from '../../kube/access-review.ts';
import { MASTERS_GROUP } from '../../kube/user.ts';
import type { User } from '../../kube/user.ts';

interface Rule {
  readonly group: string;
  /** With its subresource: "pods/resize". */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Undefined: everywhere. */
  readonly namespace?: string;
}

const READ = ['get', 'list', 'watch'];

export const AGGREGATOR_USER = 'system:serviceaccount:headroom-system:headroom-aggregator';

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  [AGGREGATOR_USER]: [
    { group: '', resource: 'nodes', verbs: READ },
    { group: '', resource: 'pods', verbs: READ },
    { group: '', resource: 'namespaces', verbs: READ },
    { group: '', resource: 'pods/resize', verbs: ['patch'] },
    { group: '', resource: 'events', verbs: ['create', 'patch'] },
    { group: '', resource: 'configmaps', verbs: READ, namespace: 'kube-system' },
    { group: 'autoscaling', resource: 'horizontalpodautoscalers', verbs: READ },
    { group: 'authentication.k8s.io', resource: 'tokenreviews', verbs: ['create'] },
    { group: 'authorization.k8s.io', resource: 'subjectaccessreviews', verbs: ['create'] },
  ],
};

/** Of everyone who is known: system:discovery, system:public-info-viewer, system:basic-user. */
const OPEN_PATH = /^\/(?:$|(?:api|apis|openapi)(?:\/.*)?$|(?:version|healthz|livez|readyz)\/?$)/;
const SELF_REVIEW: Rule = { group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews', verbs: ['create'] };

export function mayDo({ name, groups }: User, attributes: AccessAttributes): boolean {
  if (groups.includes(MASTERS_GROUP)) return true;
  const isKnown = groups.includes('system:authenticated');
  if (attributes.kind === 'path') return isKnown && attributes.verb === 'get' && OPEN_PATH.test(attributes.path);
  const rules = Object.hasOwn(RULES, name) ? RULES[name]! : [];
  return (isKnown ? [SELF_REVIEW, ...rules] : rules).some((rule) => covers(rule, attributes));
}

function covers(
  rule: Rule,
  { verb, group, resource, subresource, namespace }: AccessAttributes & { kind: 'resource' },
) {
  return (
    rule.verbs.includes(verb) &&
    rule.group === group &&
    rule.resource === (subresource === '' ? resource : `${resource}/${subresource}`) &&
    (rule.namespace === undefined || rule.namespace === namespace)
  );
}
