// Whether a request may go on. Contract: k8s.io/apiserver's delegating authorization: always-allow paths, group system:masters,
// else a SubjectAccessReview, whose answers are remembered for a time, allowed and denied ones apart.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AnswerCache } from '../kube/answer-cache.ts';
import type { AccessAttributes, AccessVerdict, ReviewAccess } from '../kube/access-review.ts';
import { MASTERS_GROUP } from '../kube/user.ts';
import type { User } from '../kube/user.ts';
import type { Asked } from './access-attributes.ts';
import { accessAttributes } from './access-attributes.ts';
import { alwaysAllowed } from './access-paths.ts';
import { accessUnknown, forbidden } from './access-refusals.ts';
import type { Answer } from './answer.ts';
import type { Identify, Identity } from './identity.ts';
import type { Refusal } from './status.ts';
import { unauthorized } from './status.ts';

export interface AccessOptions {
  readonly identify: Identify;
  readonly reviewAccess: ReviewAccess;
  readonly alwaysAllowPaths: readonly string[];
  /** How long an answer of that kind counts, ms. */
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  /** Monotonic, ms. */
  readonly monoMs: () => number;
  /** Told of each request that is not let in, and why. */
  readonly onRefused?: (code: 401 | 403 | 500, reason: string, path: string) => void;
}

/** What a request that may not go on is answered; undefined: it may. At once where nobody has to be asked. Never rejects. */
export type Admit = (
  request: IncomingMessage,
  asked: Asked,
) => Refusal | Answer | undefined | Promise<Refusal | Answer | undefined>;

const MOST_ANSWERS = 8192;
/** Longer keys are kept as their digest: a user may have thousands of groups. */
const MAX_KEY = 512;
/**
 * kube-apiserver itself, asking in nobody's name and without groups what is served here. These documents say nothing of the
 * cluster, and an API that can't be discovered is gone for everyone, so that no review's failure stands in their way.
 */
const DISCOVERERS: readonly string[] = ['system:kube-aggregator', 'system:aggregator'];
const DISCOVERY_PATH = /^\/(?:apis?|apis\/metrics\.k8s\.io(?:\/[^/]+)?|openapi\/v[23](?:\/.*)?)$/;

/** @throws CodedError bad_flag for a path pattern that is none */
export function createAdmit(options: AccessOptions): Admit {
  const isOpen = alwaysAllowed(options.alwaysAllowPaths);
  const verdictOf = createVerdicts(options);
  const { onRefused } = options;
  const decide = async (
    request: IncomingMessage,
    asked: Asked,
    attributes: AccessAttributes,
    identity: Identity | Promise<Identity>,
  ): Promise<Refusal | Answer | undefined> => {
    const known = await identity;
    if (known.kind === 'unauthorized') {
      onRefused?.(401, known.reason, asked.path);
      return unauthorized;
    }
    const verdict = await verdictOf(known.user, attributes);
    if (verdict.kind === 'allowed') return undefined;
    const isDenied = verdict.kind === 'denied';
    onRefused?.(isDenied ? 403 : 500, verdict.reason, asked.path);
    return isDenied
      ? forbidden(known.user, attributes, verdict.reason)
      : accessUnknown(request.url ?? '', verdict.reason);
  };
  return (request, asked) => {
    const attributes = accessAttributes(asked);
    // Before anyone is asked who it is: what anyone may get, and a probe, must not wait for the API server.
    if (attributes.kind === 'path' && isOpen(asked.path)) return undefined;
    return decide(request, asked, attributes, options.identify(request));
  };
}

type VerdictOf = (user: User, attributes: AccessAttributes) => AccessVerdict | Promise<AccessVerdict>;

const ALLOWED: AccessVerdict = { kind: 'allowed' };

function createVerdicts({ reviewAccess, authorizedTtlMs, unauthorizedTtlMs, monoMs }: AccessOptions): VerdictOf {
  const keepMs: Readonly<Record<AccessVerdict['kind'], number>> = {
    allowed: authorizedTtlMs,
    denied: unauthorizedTtlMs,
    unavailable: 0,
  };
  const verdicts = new AnswerCache<readonly [User, AccessAttributes], AccessVerdict>({
    ask: ([user, attributes]) => reviewAccess(user, attributes),
    keepMs: ({ kind }) => keepMs[kind],
    mostKept: MOST_ANSWERS,
    clock: monoMs,
  });
  return (user, attributes) => {
    if (user.groups.includes(MASTERS_GROUP)) return ALLOWED;
    if (isDiscovery(user, attributes)) return ALLOWED;
    return verdicts.answer(accessKey(user, attributes), [user, attributes]);
  };
}

function isDiscovery({ name }: User, attributes: AccessAttributes): boolean {
  if (attributes.kind !== 'path' || attributes.verb !== 'get') return false;
  return DISCOVERERS.includes(name) && DISCOVERY_PATH.test(attributes.path);
}

/** Everything that the answer may depend on, in a form that no name can imitate. */
export function accessKey(user: User, attributes: AccessAttributes): string {
  const extra = Object.entries(user.extra).sort(([a], [b]) => (a < b ? -1 : 1));
  const fields =
    attributes.kind === 'path'
      ? [attributes.verb, attributes.path]
      : [
          attributes.verb,
          attributes.group,
          attributes.version,
          attributes.resource,
          attributes.subresource,
          attributes.namespace,
          attributes.name,
        ];
  const key = JSON.stringify([user.name, user.uid, user.groups, extra, attributes.kind, fields]);
  // A key begins with "[", a digest does not.
  return key.length <= MAX_KEY ? key : createHash('sha256').update(key).digest('base64');
}
