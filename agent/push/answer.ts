// What an aggregator's answer to a push means for the agent. Pure.
import { BATCH_JSON_V1 } from '../protocol/batch.ts';
import { decodePushError, decodeReply } from '../protocol/push-reply.ts';
import type { PushReply } from '../protocol/reply.ts';
import type { PostOutcome } from './post.ts';

export type Answer =
  | { readonly kind: 'stored'; readonly reply: PushReply }
  /** It was stored before: the answer to an earlier attempt was lost, or a newer batch overtook it. */
  | { readonly kind: 'stale' }
  /** Send again at once, with every identity. */
  | { readonly kind: 'unknown_epoch' }
  /** Send again at once, in smaller pieces. */
  | { readonly kind: 'too_large' }
  /** Send again at once, in the JSON form. */
  | { readonly kind: 'wants_json' }
  /** Wait and try again. `arrived`: whether it can have been stored all the same. */
  | { readonly kind: 'failed'; readonly reason: string; readonly arrived: 'no' | 'unknown' };

export function answerOf(outcome: PostOutcome): Answer {
  if (outcome.kind === 'failed') return { kind: 'failed', reason: outcome.cause, arrived: outcome.arrived };
  const { status, body } = outcome;
  if (status >= 200 && status < 300) return accepted(body);
  const error = decodePushError(body);
  const message = error.kind === 'error' ? error.error.message : 'no reason given';
  const reason = `HTTP ${status}: ${message}`;
  switch (status) {
    case 409:
      return { kind: 'unknown_epoch' };
    case 410:
      return { kind: 'stale' };
    case 413:
      return { kind: 'too_large' };
    case 415: {
      const json = error.kind === 'error' && error.error.accepts?.includes(BATCH_JSON_V1);
      return json ? { kind: 'wants_json' } : { kind: 'failed', reason, arrived: 'no' };
    }
    default:
      return { kind: 'failed', reason, arrived: 'no' };
  }
}

/** A 2xx means that the batch was taken, even if what came with it can't be read. */
function accepted(body: Uint8Array): Answer {
  const decoded = decodeReply(body);
  return {
    kind: 'stored',
    reply: decoded.kind === 'reply' ? decoded.reply : { accepted: 0, names: [], directives: [] },
  };
}
