// What a request is answered with, before it is known how it goes over the wire.
import { statusBody } from './status.ts';
import type { Refusal } from './status.ts';

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

export interface Answer {
  readonly kind: 'answer';
  readonly code: number;
  readonly contentType: string;
  /** Never written to: a list's chunks are the store's own. */
  readonly chunks: readonly Buffer[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once, when the answer was sent or given up. */
  readonly done?: () => void;
}

export function jsonAnswer(code: number, body: unknown, contentType = JSON_TYPE): Answer {
  return { kind: 'answer', code, contentType, chunks: [Buffer.from(`${JSON.stringify(body)}\n`)] };
}

export function textAnswer(code: number, body: string, contentType = TEXT_TYPE): Answer {
  return {
    kind: 'answer',
    code,
    contentType,
    chunks: [Buffer.from(body)],
    headers: { 'X-Content-Type-Options': 'nosniff' },
  };
}

export function refusalAnswer(refusal: Refusal): Answer {
  const retryAfter = refusal.details?.retryAfterSeconds;
  const answer = jsonAnswer(refusal.code, statusBody(refusal));
  return retryAfter === undefined ? answer : { ...answer, headers: { 'Retry-After': String(retryAfter) } };
}
