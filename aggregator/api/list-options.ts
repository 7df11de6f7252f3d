// The query of a list. Contract: meta/v1 ListOptions and its validation; limit, continue and resourceVersion are read and
// have no effect, as in metrics-server: a list is always whole.
import { parseFieldSelector } from './field-selector.ts';
import type { Named } from './item-encoder.ts';
import { parseLabelSelector } from './label-selector.ts';
import type { Refusal } from './status.ts';
import { badRequest, invalidListOption, watchNotSupported } from './status.ts';

export interface ListOptions {
  readonly kind: 'options';
  /** Undefined: everything is wanted. */
  readonly matches?: (object: Named) => boolean;
}

const EVERYTHING: ListOptions = { kind: 'options' };
const INTEGERS = ['limit', 'timeoutSeconds'];

export function listOptions(resource: string, query: URLSearchParams | undefined): ListOptions | Refusal {
  if (query === undefined) return EVERYTHING;
  const refused = refusedOption(resource, query);
  if (refused) return refused;
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  if (labels.kind === 'malformed') return badRequest(labels.reason);
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (fields.kind === 'malformed') return badRequest(fields.reason);
  const { matches: labelsMatch } = labels;
  const { matches: fieldsMatch } = fields;
  if (!labelsMatch && !fieldsMatch) return EVERYTHING;
  return {
    kind: 'options',
    matches: (object) =>
      (!labelsMatch || labelsMatch(object.labels)) &&
      (!fieldsMatch || fieldsMatch({ namespace: object.namespace ?? '', name: object.name })),
  };
}

function refusedOption(resource: string, query: URLSearchParams): Refusal | undefined {
  if (isTrue(query.get('watch'))) return watchNotSupported(resource);
  for (const name of INTEGERS) {
    const value = query.get(name) ?? '';
    if (value !== '' && !/^[+-]?\d+$/.test(value)) {
      return badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    }
  }
  if ((query.get('resourceVersionMatch') ?? '') !== '' && (query.get('resourceVersion') ?? '') === '') {
    const rule = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    return invalidListOption('resourceVersionMatch', rule);
  }
  if (query.has('sendInitialEvents')) {
    return invalidListOption('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  }
  return undefined;
}

/** As Kubernetes reads a boolean parameter: anything but "0" and "false". */
function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}
