// The last refusal of each node's pushes, so that "no metrics" can say "refused" where the agent is there and not listened to.
// Senders call themselves what they like before their token is verified: nothing but a sentence comes of it.
import type { PushErrorCode } from '../../agent/protocol/reply.ts';

export interface RefusedPush {
  readonly code: PushErrorCode;
  readonly message: string;
  /** Unix ms. */
  readonly atMs: number;
}

export interface RefusedPushes {
  /** @param node as the token names it, verified or not */
  refused(node: string, push: RefusedPush): void;
  /** Undefined when the last refusal is long ago. */
  of(node: string, nowWallMs: number): RefusedPush | undefined;
}

const MAX_NODES = 10_000;
const MAX_MESSAGE = 256;
/** Agents push each few seconds and back off up to half a minute. */
const REMEMBERED_MS = 120_000;
/** What a sound agent and a sound aggregator say to each other now and then. */
const ORDINARY: readonly PushErrorCode[] = ['unknown_epoch', 'stale'];

export function createRefusedPushes(): RefusedPushes {
  const last = new Map<string, RefusedPush>();
  return {
    refused(node, push) {
      if (node === '' || ORDINARY.includes(push.code)) return;
      last.delete(node);
      last.set(node, { ...push, message: push.message.slice(0, MAX_MESSAGE) });
      if (last.size <= MAX_NODES) return;
      const [oldest] = last.keys();
      last.delete(oldest!);
    },
    of(node, nowWallMs) {
      const push = last.get(node);
      return push !== undefined && nowWallMs - push.atMs <= REMEMBERED_MS ? push : undefined;
    },
  };
}
