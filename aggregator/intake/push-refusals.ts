// A push that is refused because of who sent it is worth one line when that begins, and one when it is over: pushes come each few
// seconds. Of a sender that nobody vouches for, what it calls itself is logged as such, and seldom.
import type { Logger } from '../../agent/runtime/logger.ts';
import { createAllowance } from '../kube/allowance.ts';
import { Recent } from '../kube/recent.ts';

/** Nodes and addresses that are remembered; above it they are logged more often. */
const MAX_SENDERS = 12_000;
const SAY_AGAIN_MS = 10 * 60_000;
/** Of all senders together: whoever calls itself something else each time is a line a second. */
const LINES_AT_ONCE = 50;
const LINES_A_SECOND = 1;

/** `node`: what its token says unverified, '' where it says none. */
export interface Stranger {
  readonly address: string;
  readonly node: string;
}

export interface PushRefusals {
  /** The token is good for nothing here. */
  stranger(sender: Stranger, code: string, reason: string): void;
  /** A node's own agent speaks for another node. */
  foreignNode(node: string, batchNode: string): void;
  /** Pods that a node's agent reports and that the API has on another node; none: as it should be. */
  taken(node: string, foreignPods: readonly string[]): void;
}

/** @param nowMs monotonic */
export function watchPushRefusals(log: Logger, nowMs: () => number): PushRefusals {
  const strangers = new Recent(SAY_AGAIN_MS, MAX_SENDERS);
  const posing = new Map<string, string>();
  const reportingOthers = new Set<string>();
  const lines = createAllowance(LINES_AT_ONCE, LINES_A_SECOND);
  return {
    stranger({ address, node }, code, reason) {
      if (!strangers.isNew(`${code} ${node === '' ? address : node}`, nowMs()) || !lines.take(nowMs())) return;
      log.warn({ address, code, reason, ...(node === '' ? {} : { claimedNode: node }) }, 'push refused');
    },
    foreignNode(node, batchNode) {
      if (posing.get(node) === batchNode) return;
      if (posing.size < MAX_SENDERS || posing.has(node)) posing.set(node, batchNode);
      if (!lines.take(nowMs())) return;
      log.warn({ node, batchNode }, 'agent speaks for another node: its pushes are refused');
    },
    taken(node, foreignPods) {
      if (posing.size > 0 && posing.delete(node)) log.info({ node }, 'agent speaks for its own node again');
      if (foreignPods.length === 0) {
        if (reportingOthers.size > 0) reportingOthers.delete(node);
      } else if (!reportingOthers.has(node)) {
        if (reportingOthers.size < MAX_SENDERS) reportingOthers.add(node);
        log.warn(
          { node, count: foreignPods.length, uid: foreignPods[0] },
          'agent reports pods of other nodes: their rows are left out',
        );
      }
    },
  };
}
