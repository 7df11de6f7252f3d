// Why a node or a pod has no metrics, and what an HPA that shows <unknown> lacks: one union each, said to people in one place.
import type { PushErrorCode } from '../../agent/protocol/reply.ts';
import type { KubeletState } from '../intake/kubelet/turn.ts';
import type { ScrapeFailureReason } from '../intake/kubelet/scrape-failure.ts';

/** `kubelet` says how far the fallback is that would stand in for the agent; undefined: there is none. Instants are Unix ms. */
export type NodeWhy =
  /** No agent of the node has pushed since this process began. */
  | { readonly reason: 'no_agent'; readonly kubelet: KubeletState['kind'] | undefined }
  | { readonly reason: 'agent_silent'; readonly sinceMs: number; readonly kubelet: KubeletState['kind'] | undefined }
  /** The agent is there, but its pushes are not taken. */
  | { readonly reason: 'push_refused'; readonly code: PushErrorCode; readonly message: string; readonly atMs: number }
  /** No living agent, and the kubelet that would stand in for it can't be scraped. */
  | {
      readonly reason: 'kubelet_scrape_failed';
      readonly why: ScrapeFailureReason;
      readonly detail: string;
      readonly failures: number;
      readonly sinceMs: number;
    }
  /** A rate needs two readings. */
  | { readonly reason: 'younger_than_first_value' }
  /** Who reports on the node says nothing of it. */
  | { readonly reason: 'not_reported' }
  /** The readings arrive, but are too old to be served: the node's clock is off, or its kubelet no longer reads. */
  | { readonly reason: 'clock_skew'; readonly skewMs: number }
  | { readonly reason: 'stale_readings'; readonly ageMs: number }
  | { readonly reason: 'store_full' };

export type PodWhy =
  | { readonly reason: 'not_scheduled' }
  /** None of its containers runs; `waiting` is the kubelet's word for why, where it is known. */
  | { readonly reason: 'container_not_started'; readonly container: string; readonly waiting: string }
  | { readonly reason: 'younger_than_first_value' | 'not_reported' | 'store_full'; readonly container: string }
  | { readonly reason: 'stale_readings'; readonly container: string; readonly ageMs: number }
  /** Nothing is known of the whole node. */
  | { readonly reason: 'node'; readonly node: string; readonly because: NodeWhy };

export type HpaWhy =
  | { readonly reason: 'target_not_found' }
  /** Who it scales could not be found out. */
  | { readonly reason: 'selector_unknown'; readonly detail: string }
  | { readonly reason: 'selector_empty' }
  | { readonly reason: 'selector_matches_nothing'; readonly selector: string }
  /** A utilization is of a request: each container must have one. */
  | {
      readonly reason: 'request_missing';
      readonly resource: string;
      readonly pod: string;
      readonly container: string;
    }
  | { readonly reason: 'container_absent'; readonly pod: string; readonly container: string }
  | { readonly reason: 'pods_not_ready'; readonly count: number }
  /** No running pod has metrics; the first one's reason. */
  | { readonly reason: 'metrics_missing'; readonly count: number; readonly pod: string; readonly because: PodWhy }
  /** Nothing is missing that can be seen here: what its controller says. */
  | { readonly reason: 'controller'; readonly message: string };

/** What the metric and the log tell apart: a pod that its node leaves without metrics counts by the node's reason. */
export function reasonOf(why: NodeWhy | PodWhy | HpaWhy): string {
  return why.reason === 'node' ? why.because.reason : why.reason;
}
