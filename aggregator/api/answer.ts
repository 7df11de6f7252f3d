// What a request is answered with, before it is known how it goes over the wire.
import { field, integerField } from './protobuf.ts';
import { enveloped, LIST_META } from './kube-protobuf.ts';
import type { Accepted } from './media-type.ts';
import { MEDIA_TYPES, negotiate, PLAIN } from './media-type.ts';
import { statusBody } from './status.ts';
import type { Refusal, StatusDetails } from './status.ts';
import type { Json } from './yaml.ts';
import { yamlText } from './yaml.ts';

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

export interface Answer {
  readonly kind: 'answer';
  readonly code: number;
  /** '': none. */
  readonly contentType: string;
  /** Never written to: a list's chunks are the store's own. */
  readonly chunks: readonly Buffer[];
  /** The chunks are compressed already. */
  readonly coding?: 'gzip';
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once, when the answer was sent or given up. */
  readonly done?: () => void;
}

/** An object in each form that it has. */
export interface Document {
  readonly apiVersion: string;
  readonly kind: string;
  readonly json: Json;
  /** The object alone, without its envelope. */
  readonly protobuf: () => Buffer;
}

export function documentAnswer(
  code: number,
  { apiVersion, kind, json, protobuf }: Document,
  { media, pretty }: Accepted,
): Answer {
  const contentType = MEDIA_TYPES[media];
  switch (media) {
    case 'json':
      return bytesAnswer(code, contentType, Buffer.from(jsonText(json, pretty)));
    case 'yaml':
      return bytesAnswer(code, contentType, Buffer.from(`${yamlText(json)}\n`));
    case 'protobuf':
      return bytesAnswer(code, contentType, enveloped(apiVersion, kind, protobuf()));
  }
}

/** As Go writes it: what HTML takes for its own is escaped, and only compact JSON ends its line. */
function jsonText(json: Json, pretty: boolean): string {
  const text = JSON.stringify(json, null, pretty ? 2 : 0).replaceAll(/[<>&\u2028\u2029]/g, unicodeEscape);
  return pretty ? text : `${text}\n`;
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

export function bytesAnswer(code: number, contentType: string, bytes: Buffer): Answer {
  return { kind: 'answer', code, contentType, chunks: [bytes] };
}

/** For people, and for whom takes nothing that there is: indented, without a line end. */
export function rawJsonAnswer(code: number, body: object): Answer {
  return bytesAnswer(code, JSON_TYPE, Buffer.from(JSON.stringify(body, null, 2)));
}

export function textAnswer(code: number, body: string, contentType = TEXT_TYPE): Answer {
  const answer = bytesAnswer(code, contentType, Buffer.from(body));
  return { ...answer, headers: { 'X-Content-Type-Options': 'nosniff' } };
}

/** In the form that the client takes, else as raw JSON. */
export function refusalAnswer(refusal: Refusal, accept?: string, pretty = false): Answer {
  const retryAfter = refusal.details?.retryAfterSeconds;
  const accepted = negotiate(accept, PLAIN);
  const json = statusBody(refusal);
  const answer = accepted
    ? documentAnswer(
        refusal.code,
        { apiVersion: 'v1', kind: 'Status', json: json as Json, protobuf: () => statusMessage(refusal) },
        { ...accepted, pretty: accepted.pretty || pretty },
      )
    : rawJsonAnswer(refusal.code, json);
  return retryAfter === undefined ? answer : { ...answer, headers: { 'Retry-After': String(retryAfter) } };
}

/** meta/v1 Status. */
function statusMessage({ code, reason, message, details }: Refusal): Buffer {
  return Buffer.concat([
    field(1, LIST_META),
    field(2, 'Failure'),
    field(3, message),
    field(4, reason),
    details ? field(5, detailsMessage(details)) : Buffer.alloc(0),
    integerField(6, code),
  ]);
}

function detailsMessage({
  name = '',
  group = '',
  kind = '',
  causes = [],
  retryAfterSeconds = 0,
}: StatusDetails): Buffer {
  return Buffer.concat([
    field(1, name),
    field(2, group),
    field(3, kind),
    ...causes.map((cause) =>
      field(4, Buffer.concat([field(1, cause.reason), field(2, cause.message), field(3, cause.field ?? '')])),
    ),
    integerField(5, retryAfterSeconds),
    field(6, ''), // uid
  ]);
}
