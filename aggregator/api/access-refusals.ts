// What someone without rights is told. Contract: k8s.io/apiserver endpoints/handlers/responsewriters/errors.go.
import type { AccessAttributes } from '../kube/access-review.ts';
import type { User } from '../kube/user.ts';
import type { Answer } from './answer.ts';
import { textAnswer } from './answer.ts';
import type { Refusal } from './status.ts';

/** @param reason the authorizer's, may be '' */
export function forbidden({ name: userName }: User, attributes: AccessAttributes, reason: string): Refusal {
  const what = sanitized(`User ${quoted(userName)} cannot ${actOf(attributes)}`);
  const why = reason === '' ? what : `${what}: ${reason}`;
  const status = { kind: 'refusal', code: 403, reason: 'Forbidden' } as const;
  if (attributes.kind === 'path') return { ...status, message: `forbidden: ${why}`, details: {} };
  const { group, resource, name } = attributes;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  return {
    ...status,
    message: `${qualified}${name === '' ? '' : ` ${quoted(name)}`} is forbidden: ${why}`,
    details: {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      ...(resource === '' ? {} : { kind: resource }),
    },
  };
}

/** Nobody could say whether it is allowed. */
export function accessUnknown(url: string, reason: string): Answer {
  return textAnswer(500, `Internal Server Error: ${quoted(sanitized(url))}: ${reason}\n`);
}

function actOf(attributes: AccessAttributes): string {
  if (attributes.kind === 'path') return `${attributes.verb} path ${quoted(attributes.path)}`;
  const { verb, group, resource, subresource, namespace } = attributes;
  const what = quoted(subresource === '' ? resource : `${resource}/${subresource}`);
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${quoted(namespace)}`;
  return `${verb} resource ${what} in API group ${quoted(group)} ${where}`;
}

/** Names come from whoever asks, and the text may end up on a page. */
function sanitized(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** As Go's %q writes it, but for characters that no name has. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
