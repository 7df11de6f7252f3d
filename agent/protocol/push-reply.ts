// Replies to a push and refusals of one, as JSON. An agent trusts an aggregator's certificate, not its bytes: both decoders
// check everything, skip what they do not know and never throw.
import { MAX_ACCEPTS, MAX_DIRECTIVES, MAX_REPLY_BYTES, MAX_ROWS } from './bounds.ts';
import { asArray, asObject, asOneOf, asString, asWhole, field, parseObject } from './json-values.ts';
import type { JsonObject } from './json-values.ts';
import type { Refused } from './refusal.ts';
import { checkCount, refusedOr } from './refusal.ts';
import type { Directive, PushError, PushErrorCode, PushReply, RowName } from './reply.ts';
import { MAX_UINT32 } from './wire-values.ts';

/** HTTP status of each refusal. */
export const PUSH_ERROR_STATUS: { readonly [code in PushErrorCode]: number } = {
  malformed: 400,
  unauthenticated: 401,
  foreign_node: 403,
  forbidden: 403,
  unknown_epoch: 409,
  stale: 410,
  too_large: 413,
  unsupported_version: 415,
  overloaded: 429,
  unavailable: 503,
};

const CODES = Object.keys(PUSH_ERROR_STATUS) as PushErrorCode[];
const encoder = new TextEncoder();

export type DecodedReply = { readonly kind: 'reply'; readonly reply: PushReply } | Refused;
export type DecodedPushError = { readonly kind: 'error'; readonly error: PushError } | Refused;

export function encodeReply(reply: PushReply): Uint8Array {
  return encoder.encode(JSON.stringify(reply));
}

/** @param body of a 2xx answer */
export function decodeReply(body: Uint8Array): DecodedReply {
  return refusedOr((): DecodedReply => {
    const json = parseReply(body);
    const reply = {
      accepted: asWhole(field(json, 'accepted'), 'accepted'),
      names: asArray(field(json, 'names'), 'names', MAX_ROWS).map(readName),
      directives: asArray(field(json, 'directives'), 'directives', MAX_DIRECTIVES).map(readDirective),
    };
    return { kind: 'reply', reply };
  });
}

export function encodePushError(error: PushError): Uint8Array {
  return encoder.encode(JSON.stringify(error));
}

/** @param body of an answer that is not 2xx. One that a proxy wrote is refused here: then the status alone counts. */
export function decodePushError(body: Uint8Array): DecodedPushError {
  return refusedOr((): DecodedPushError => {
    const json = parseReply(body);
    const code = asOneOf(field(json, 'code'), 'code', CODES);
    const message = asString(field(json, 'message'), 'message');
    const accepts = asArray(field(json, 'accepts'), 'accepts', MAX_ACCEPTS);
    const error = { code, message };
    if (accepts.length === 0) return { kind: 'error', error };
    return { kind: 'error', error: { ...error, accepts: accepts.map((one, at) => asString(one, `accepts[${at}]`)) } };
  });
}

function parseReply(body: Uint8Array): JsonObject {
  checkCount('bytes of the reply', body.length, MAX_REPLY_BYTES);
  return parseObject(body, 'reply');
}

function readName(value: unknown, index: number): RowName {
  const where = `names[${index}]`;
  const json = asObject(value, where);
  return {
    ref: asWhole(field(json, 'ref'), `${where}.ref`, MAX_UINT32),
    namespace: asString(field(json, 'namespace'), `${where}.namespace`),
    pod: asString(field(json, 'pod'), `${where}.pod`),
    container: asString(field(json, 'container'), `${where}.container`),
  };
}

function readDirective(value: unknown, index: number): Directive {
  const where = `directives[${index}]`;
  const json = asObject(value, where);
  return {
    kind: asString(field(json, 'kind'), `${where}.kind`),
    fencing: asWhole(field(json, 'fencing'), `${where}.fencing`),
  };
}
