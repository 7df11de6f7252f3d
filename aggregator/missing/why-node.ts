// Why a node has no metrics: from what the store, the intake and the kubelet fallback know of it. Pure.
import type { KubeletState } from '../intake/kubelet/turn.ts';
import type { SlotGap } from '../store/gaps.ts';
import type { RefusedPush } from './refused-pushes.ts';
import type { NodeWhy } from './why.ts';

export interface NodeKnowledge {
  /** Since the agent's newest push, ms; NaN: none was received. */
  readonly silentMs: number;
  /** The agent's wall clock minus ours, ms; NaN: not known. */
  readonly skewMs: number;
  /** Undefined: there is no fallback. */
  readonly kubelet: KubeletState | undefined;
  readonly refused: RefusedPush | undefined;
}

/** Whose numbers a node's are now. */
export type NodeSource = 'agent' | 'kubelet' | 'none';

/** An agent pushes each few seconds; one that has missed several pushes is not alive. */
const ALIVE_MS = 20_000;
/** As in the log: farther off than the push's own way could explain. */
const SKEWED_MS = 2000;

export function sourceOf({ silentMs, kubelet }: NodeKnowledge): NodeSource {
  if (silentMs <= ALIVE_MS) return 'agent';
  return kubelet?.kind === 'scraped' ? 'kubelet' : 'none';
}

/** @param gap of the node's own slot, which has no fresh point */
export function whyNode(known: NodeKnowledge, gap: SlotGap, nowWallMs: number): NodeWhy {
  if (sourceOf(known) === 'none') return whySilent(known, nowWallMs);
  switch (gap.kind) {
    case 'no_slot':
      return { reason: 'store_full' };
    case 'no_row':
      return { reason: 'not_reported' };
    case 'no_rate':
      return { reason: 'younger_than_first_value' };
    case 'stale':
      return Math.abs(known.skewMs) > SKEWED_MS
        ? { reason: 'clock_skew', skewMs: known.skewMs }
        : { reason: 'stale_readings', ageMs: gap.ageMs };
  }
}

/** Of a node that has neither a living agent nor a kubelet that stands in for it. */
export function whySilent({ silentMs, kubelet, refused }: NodeKnowledge, nowWallMs: number): NodeWhy {
  // One from before the last push that was taken is settled.
  const isRefused = refused !== undefined && !(refused.atMs < nowWallMs - silentMs);
  if (isRefused) return { reason: 'push_refused', ...refused };
  if (kubelet?.kind === 'failed') {
    const { reason: why, detail, failures, sinceWallMs } = kubelet;
    return { reason: 'kubelet_scrape_failed', why, detail, failures, sinceMs: sinceWallMs };
  }
  if (Number.isNaN(silentMs)) return { reason: 'no_agent', kubelet: kubelet?.kind };
  return { reason: 'agent_silent', sinceMs: nowWallMs - silentMs, kubelet: kubelet?.kind };
}
