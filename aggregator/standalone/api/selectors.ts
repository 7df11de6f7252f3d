// Label and field selectors of list and watch. Contract: apimachinery labels.Parse and fields.ParseSelector.
import type { KubeEvent, KubeObject, Pod } from './objects.ts';
import { badRequest } from './status.ts';

export type Matcher = (object: KubeObject) => boolean;

const REQUIREMENT = /^(!)?\s*([A-Za-z0-9][\w./-]*)\s*(?:(==|=|!=)\s*([\w.-]*)|(in|notin)\s*\(([^()]*)\))?$/;

/** @throws Refusal 400 where the text is no selector */
export function parseLabelSelector(text: string): Matcher {
  const tests = splitOutsideParentheses(text).map((part) => {
    const match = REQUIREMENT.exec(part.trim().replace(/\s+(in|notin)\s*\(/, ' $1('));
    if (!match) throw badRequest(`unable to parse requirement: ${JSON.stringify(part)}`);
    return labelTest(match, part);
  });
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}));
}

function labelTest(match: RegExpExecArray, part: string): (labels: Readonly<Record<string, string>>) => boolean {
  const [, not, key = '', operator, value = '', setOperator, set = ''] = match;
  if (not !== undefined && (operator ?? setOperator) !== undefined) {
    throw badRequest(`unable to parse requirement: ${JSON.stringify(part)}`);
  }
  if (setOperator !== undefined) {
    const values = new Set(set.split(',').map((item) => item.trim()));
    return setOperator === 'in'
      ? (labels) => labels[key] !== undefined && values.has(labels[key])
      : (labels) => labels[key] === undefined || !values.has(labels[key]);
  }
  if (operator === '!=') return (labels) => labels[key] !== value;
  if (operator !== undefined) return (labels) => labels[key] === value;
  return not === undefined ? (labels) => labels[key] !== undefined : (labels) => labels[key] === undefined;
}

function splitOutsideParentheses(text: string): string[] {
  if (text.trim() === '') return [];
  return text.split(/,(?![^(]*\))/);
}

type Field = (object: KubeObject) => string;

const META_FIELDS: Readonly<Record<string, Field>> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
};

/** What may be selected by, per resource, beside name and namespace. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  pods: {
    'spec.nodeName': (object) => (object as Pod).spec.nodeName ?? '',
    'spec.restartPolicy': (object) => (object as Pod).spec.restartPolicy ?? '',
    'status.phase': (object) => (object as Pod).status.phase,
    'status.podIP': (object) => (object as Pod).status.podIP ?? '',
  },
  events: {
    'involvedObject.kind': (object) => (object as KubeEvent).involvedObject.kind ?? '',
    'involvedObject.namespace': (object) => (object as KubeEvent).involvedObject.namespace ?? '',
    'involvedObject.name': (object) => (object as KubeEvent).involvedObject.name ?? '',
    'involvedObject.uid': (object) => (object as KubeEvent).involvedObject.uid ?? '',
    'involvedObject.fieldPath': (object) => (object as KubeEvent).involvedObject.fieldPath ?? '',
    reason: (object) => (object as KubeEvent).reason ?? '',
    type: (object) => (object as KubeEvent).type ?? '',
    source: (object) => (object as KubeEvent).source?.component ?? '',
    reportingComponent: (object) => (object as KubeEvent).reportingComponent ?? '',
  },
  namespaces: { 'status.phase': (object) => (object.status as { phase?: string } | undefined)?.phase ?? '' },
};

/** @throws Refusal 400 for a field that the resource can't be selected by */
export function parseFieldSelector(resource: string, text: string): Matcher {
  const known = { ...META_FIELDS, ...FIELDS[resource] };
  const tests = (text.trim() === '' ? [] : text.split(',')).map((part) => {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part.trim());
    if (!match) throw badRequest(`invalid selector: ${JSON.stringify(part)}; can't understand ${JSON.stringify(part)}`);
    const [, key = '', operator, value = ''] = match;
    const field = known[key];
    if (!field) throw badRequest(`field label not supported: ${key}`);
    return operator === '!='
      ? (object: KubeObject) => field(object) !== value
      : (object: KubeObject) => field(object) === value;
  });
  return (object) => tests.every((test) => test(object));
}
