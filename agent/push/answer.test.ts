import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_JSON_V1 } from '../protocol/batch.ts';
import { encodePushError, encodeReply } from '../protocol/push-reply.ts';
import type { PushError } from '../protocol/reply.ts';
import { answerOf } from './answer.ts';
import type { Answer } from './answer.ts';

function answered(status: number, error?: PushError): Answer {
  return answerOf({ kind: 'answered', status, body: error ? encodePushError(error) : new Uint8Array() });
}

describe('answerOf', () => {
  it('takes the reply of a 2xx', () => {
    const reply = { accepted: 7, names: [{ ref: 1, namespace: 'n', pod: 'p', container: 'c' }], directives: [] };
    expect(answerOf({ kind: 'answered', status: 200, body: encodeReply(reply) })).toEqual({ kind: 'stored', reply });
  });

  it('counts a 2xx as stored even when its body is no reply', () => {
    expect(answered(204)).toMatchObject({ kind: 'stored', reply: { names: [] } });
  });

  it('tells what to do about each refusal', () => {
    expect(answered(409, { code: 'unknown_epoch', message: '' })).toEqual({ kind: 'unknown_epoch' });
    expect(answered(410, { code: 'stale', message: '' })).toEqual({ kind: 'stale' });
    expect(answered(413, { code: 'too_large', message: '' })).toEqual({ kind: 'too_large' });
    const version = { code: 'unsupported_version', message: 'v2 only' } as const;
    expect(answered(415, { ...version, accepts: [BATCH_JSON_V1] })).toEqual({ kind: 'wants_json' });
    expect(answered(415, { ...version, accepts: ['application/vnd.headroom.batch.v2'] })).toMatchObject({
      kind: 'failed',
    });
  });

  it('gives status and reason of what has to wait', () => {
    for (const [status, code] of [
      [401, 'unauthenticated'],
      [403, 'foreign_node'],
      [429, 'overloaded'],
    ] as const) {
      const answer = answered(status, { code, message: `because of ${code}` });
      expect(answer).toEqual({ kind: 'failed', reason: `HTTP ${status}: because of ${code}`, arrived: 'no' });
    }
    expect(answered(502)).toEqual({ kind: 'failed', reason: 'HTTP 502: no reason given', arrived: 'no' });
  });

  it('passes on whether a broken connection may have delivered', () => {
    const outcome = { kind: 'failed', cause: 'ECONNRESET', arrived: 'unknown' } as const;
    expect(answerOf(outcome)).toEqual({ kind: 'failed', reason: 'ECONNRESET', arrived: 'unknown' });
  });

  it('never throws, whatever a proxy answers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), fc.uint8Array({ maxLength: 200 }), (status, body) => {
        expect(answerOf({ kind: 'answered', status, body }).kind).toBeTypeOf('string');
      }),
    );
  });
});
