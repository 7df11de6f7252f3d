// The query of a list. Contract: meta/v1 ListOptions and its validation; limit, continue, timeoutSeconds and resourceVersion are
// read and have no effect, as in metrics-server: a list is always whole.
import { parseFieldSelector } from './field-selector.ts';
import type { Named } from './item-usage.ts';
import { parseLabelSelector } from './label-selector.ts';
import type { OptionProblem, Refusal } from './status.ts';
import { badRequest, invalidListOptions, watchNotSupported } from './status.ts';

export interface ListOptions {
  readonly kind: 'options';
  /** Undefined: everything is wanted. */
  readonly matches?: (object: Named) => boolean;
}

const EVERYTHING: ListOptions = { kind: 'options' };
const INTEGERS = ['limit', 'timeoutSeconds'];
const INT64_BITS = 64;
const MATCH = 'resourceVersionMatch';

export function listOptions(resource: string, query: URLSearchParams | undefined): ListOptions | Refusal {
  if (query === undefined) return EVERYTHING;
  for (const name of INTEGERS) {
    const problem = integerProblem(query.get(name));
    if (problem !== undefined) return badRequest(problem);
  }
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  if (labels.kind === 'malformed') return badRequest(labels.reason);
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (fields.kind === 'malformed') return badRequest(fields.reason);
  const watches = isTrue(query.get('watch'));
  const problems = watches ? watchProblems(query) : listProblems(query);
  if (problems.length > 0) return invalidListOptions(problems);
  if (fields.kind === 'unknown_field') return badRequest(fields.reason);
  if (watches) return watchNotSupported(resource);
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

/** What Go's strconv says of it. */
function integerProblem(value: string | null): string | undefined {
  if (value === null) return undefined;
  const parsing = `strconv.ParseInt: parsing ${JSON.stringify(value)}`;
  if (!/^[+-]?\d+$/.test(value)) return `${parsing}: invalid syntax`;
  const number = BigInt(value.replace('+', ''));
  return BigInt.asIntN(INT64_BITS, number) === number ? undefined : `${parsing}: value out of range`;
}

function listProblems(query: URLSearchParams): readonly OptionProblem[] {
  const { match, version, continues, initialEvents } = given(query);
  const problems: OptionProblem[] = [];
  if (match !== '') {
    if (version === '') problems.push(forbidden(MATCH, `${MATCH} is forbidden unless resourceVersion is provided`));
    if (continues) problems.push(forbidden(MATCH, `${MATCH} is forbidden when continue is provided`));
    if (match !== 'Exact' && match !== 'NotOlderThan')
      problems.push(notSupported(MATCH, match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && version === '0')
      problems.push(forbidden(MATCH, `${MATCH} "exact" is forbidden for resourceVersion "0"`));
  }
  if (initialEvents) problems.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  return problems;
}

function watchProblems(query: URLSearchParams): readonly OptionProblem[] {
  const { match, continues, initialEvents } = given(query);
  const problems: OptionProblem[] = [];
  if (initialEvents && match !== 'NotOlderThan')
    problems.push(forbidden(MATCH, `sendInitialEvents requires setting ${MATCH} to NotOlderThan`));
  if (match === '') return problems;
  if (!initialEvents)
    problems.push(forbidden(MATCH, `${MATCH} is forbidden for watch unless sendInitialEvents is provided`));
  if (match !== 'NotOlderThan') problems.push(notSupported(MATCH, match, ['NotOlderThan']));
  if (continues) problems.push(forbidden(MATCH, `${MATCH} is forbidden when continue is provided`));
  return problems;
}

function given(query: URLSearchParams) {
  return {
    match: query.get(MATCH) ?? '',
    version: query.get('resourceVersion') ?? '',
    continues: (query.get('continue') ?? '') !== '',
    initialEvents: query.has('sendInitialEvents'),
  };
}

function forbidden(field: string, message: string): OptionProblem {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${message}` };
}

function notSupported(field: string, value: string, supported: readonly string[]): OptionProblem {
  const values = supported.map((one) => JSON.stringify(one)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`;
  return { field, reason: 'FieldValueNotSupported', message };
}

/** As Kubernetes reads a boolean parameter: anything but "0" and "false". */
function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}
