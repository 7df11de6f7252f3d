// The fields of a written object that others read without a second look: a list, a selector or the kubelet must not stumble
// over what one client wrote. Source: kube-apiserver's decoding of meta/v1 ObjectMeta and core/v1 Event into typed fields.
import { badRequest } from './status.ts';

const EVENT_TEXTS = ['reason', 'message', 'type', 'firstTimestamp', 'lastTimestamp', 'eventTime', 'reportingComponent'];

interface Written {
  readonly kind?: unknown;
  readonly metadata: { readonly labels?: unknown; readonly annotations?: unknown };
}

/** @throws Refusal 400 */
export function checkFields(object: Written): void {
  const { labels, annotations } = object.metadata;
  checkTexts('metadata.labels', labels);
  checkTexts('metadata.annotations', annotations);
  if (object.kind === 'Event') checkEvent(object);
}

function checkEvent(event: object): void {
  const { involvedObject, source, count, ...rest } = event as Readonly<Record<string, unknown>>;
  if (!isObject(involvedObject)) throw badRequest('involvedObject: an object is required');
  checkTexts('involvedObject', involvedObject);
  checkTexts('source', source);
  for (const field of EVENT_TEXTS) if (!isText(rest[field])) throw badRequest(`${field}: must be a string`);
  if (count !== undefined && !Number.isInteger(count)) throw badRequest('count: must be an integer');
}

/** An object of strings, null or nothing. */
function checkTexts(field: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (!isObject(value)) throw badRequest(`${field}: must be an object of strings`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw badRequest(`${field}[${key}]: must be a string`);
  }
}

function isText(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
