// One node's place in the round of scrapes: whether it is scraped at all, when it is due, and how it went.
import type { CounterHistory } from './counter-history.ts';
import type { KubeletNode } from './kubelet-node.ts';
import type { ScrapeFailureReason } from './scrape-failure.ts';

/**
 * What the fallback knows of a node:
 * - `agent`: its agent is alive, or has not had its time to push yet: it is not scraped;
 * - `due`: its first scrape is on its way;
 * - `first`: it was scraped, but a rate needs two readings;
 * - `scraped`: its points come from its kubelet;
 * - `failed`: the last `failures` scrapes brought nothing.
 */
export type KubeletState =
  | { readonly kind: 'agent' }
  | { readonly kind: 'due' }
  | { readonly kind: 'first' }
  | { readonly kind: 'scraped'; readonly atWallMs: number }
  | {
      readonly kind: 'failed';
      readonly reason: ScrapeFailureReason;
      readonly detail: string;
      readonly failures: number;
      readonly sinceWallMs: number;
    };

export interface Turn {
  node: KubeletNode;
  /** When the node came into sight, monotonic ms: its agent has a time of grace from then. */
  readonly addedMonoMs: number;
  /** NaN while the node is not scraped. */
  dueMonoMs: number;
  underWay: boolean;
  history: CounterHistory | undefined;
  state: KubeletState;
}

export const WITH_AGENT: KubeletState = { kind: 'agent' };
/** A node that does not answer is asked ever less often, up to this many periods apart. */
const MOST_PERIODS = 4;

/** When to scrape again, monotonic ms: the place in the period stays, so that the nodes stay spread over it. */
export function nextDue({ dueMonoMs, state }: Turn, resolutionMs: number, nowMonoMs: number): number {
  const periods = state.kind === 'failed' ? Math.min(MOST_PERIODS, 2 ** (state.failures - 1)) : 1;
  const next = dueMonoMs + periods * resolutionMs;
  return next <= nowMonoMs ? nowMonoMs + resolutionMs : next;
}

/**
 * How long an agent is silent before its node is scraped, ms: half of the staleness, or earlier where two periods and a
 * scrape would not fit into the rest, because a rate needs two readings that the kubelet may take a period to renew.
 */
export function fallbackAfterMs(stalenessMs: number, resolutionMs: number): number {
  return Math.min(stalenessMs / 2, Math.max(LEAST_SILENCE_MS, stalenessMs - 2 * resolutionMs - SCRAPE_ROOM_MS));
}

/** Two pushes missed at the agents' default interval. */
const LEAST_SILENCE_MS = 10_000;
const SCRAPE_ROOM_MS = 5000;
