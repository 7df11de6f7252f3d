// Objects that are answered and not kept: TokenReview, SubjectAccessReview, SelfSubjectAccessReview, and the TokenRequest at
// serviceaccounts/NAME/token. Contract: authentication.k8s.io/v1, authorization.k8s.io/v1.
import type { AccessAttributes } from '../../kube/access-review.ts';
import { asTexts } from '../../kube/user.ts';
import type { User } from '../../kube/user.ts';
import { mayDo } from './access-rules.ts';
import type { ObjectStore } from './object-store.ts';
import type { Pod } from './objects.ts';
import { parseResourcePath, SERVICE_ACCOUNTS } from './resources.ts';
import type { TokenAuthority } from './account-tokens.ts';
import { badRequest, notFound } from './status.ts';

export interface ReviewParts {
  readonly store: ObjectStore;
  readonly tokens: TokenAuthority;
}

type Fields = Readonly<Record<string, unknown>>;
type Answering = (parts: ReviewParts, spec: Fields, asker: User) => Fields;

const LIFETIME_S = { least: 600, usual: 3600 };

const REVIEWS: Readonly<Record<string, Answering>> = {
  '/apis/authentication.k8s.io/v1/tokenreviews': reviewToken,
  '/apis/authorization.k8s.io/v1/subjectaccessreviews': (_parts, spec) => ({
    allowed: mayDo(subjectOf(spec), attributesOf(spec)),
  }),
  '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews': (_parts, spec, asker) => ({
    allowed: mayDo(asker, attributesOf(spec)),
  }),
};

/** @returns what answers a POST there; undefined where the path is no review's */
export function reviewAt(path: string): Answering | undefined {
  if (Object.hasOwn(REVIEWS, path)) return REVIEWS[path];
  const found = parseResourcePath(path);
  if (found?.type !== SERVICE_ACCOUNTS || found.subresource !== 'token') return undefined;
  return (parts, spec) => requestToken(parts, found.namespace ?? '', found.name ?? '', spec);
}

/** @returns the object with its status @throws Refusal */
export function answerReview(answering: Answering, parts: ReviewParts, body: unknown, asker: User): Fields {
  const object = fieldsOf(body);
  return { ...object, status: answering(parts, fieldsOf(object['spec']), asker) };
}

function reviewToken({ tokens }: ReviewParts, { token, audiences }: Fields): Fields {
  const reading = tokens.read(typeof token === 'string' ? token : '', asTexts(audiences));
  if (reading.kind === 'invalid') return { authenticated: false, user: {}, error: reading.reason };
  const { name: username, uid, groups, extra } = reading.user;
  return { authenticated: true, user: { username, uid, groups, extra }, audiences: reading.audiences };
}

function requestToken({ store, tokens }: ReviewParts, namespace: string, name: string, spec: Fields): Fields {
  const account = store.get('serviceaccounts', namespace, name);
  if (!account) throw notFound(SERVICE_ACCOUNTS, name);
  const { audiences, expirationSeconds, boundObjectRef } = spec;
  const lifetimeS = typeof expirationSeconds === 'number' ? expirationSeconds : LIFETIME_S.usual;
  if (!(lifetimeS >= LIFETIME_S.least)) {
    throw badRequest(`spec.expirationSeconds: may not specify a duration less than 10 minutes`);
  }
  const { token, expiresMs } = tokens.mint({
    namespace,
    serviceAccount: { name, uid: account.metadata.uid },
    audiences: asTexts(audiences),
    lifetimeS,
    ...boundTo(store, namespace, fieldsOf(boundObjectRef)),
  });
  return { token, expirationTimestamp: new Date(expiresMs).toISOString().replace('.000Z', 'Z') };
}

function boundTo(store: ObjectStore, namespace: string, { kind, name }: Fields): object {
  if (kind === undefined) return {};
  const resource = kind === 'Pod' ? 'pods' : kind === 'Node' ? 'nodes' : '';
  const object = resource && store.get(resource, kind === 'Pod' ? namespace : '', String(name));
  if (!object) throw badRequest(`spec.boundObjectRef: ${JSON.stringify({ kind, name })} is not there`);
  const { name: boundName, uid } = object.metadata;
  if (kind === 'Node') return { node: { name: boundName, uid } };
  const nodeName = (object as Pod).spec.nodeName ?? '';
  const node = store.get('nodes', '', nodeName);
  return { pod: { name: boundName, uid }, ...(node ? { node: { name: nodeName, uid: node.metadata.uid } } : {}) };
}

function subjectOf({ user, groups }: Fields): User {
  return { name: typeof user === 'string' ? user : '', uid: '', groups: asTexts(groups), extra: {} };
}

function attributesOf({ resourceAttributes, nonResourceAttributes }: Fields): AccessAttributes {
  const text = (fields: Fields, name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  if (nonResourceAttributes !== undefined) {
    const fields = fieldsOf(nonResourceAttributes);
    return { kind: 'path', verb: text(fields, 'verb'), path: text(fields, 'path') };
  }
  const fields = fieldsOf(resourceAttributes);
  return {
    kind: 'resource',
    verb: text(fields, 'verb'),
    group: text(fields, 'group'),
    version: text(fields, 'version'),
    resource: text(fields, 'resource'),
    subresource: text(fields, 'subresource'),
    namespace: text(fields, 'namespace'),
    name: text(fields, 'name'),
  };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
