// /api/node: what this agent is, what it can do and why not more, and whether its pushes are taken.
import type { CapabilityState } from '../metrics.ts';

export interface AggregatorView {
  readonly url: string;
  readonly addresses: readonly string[];
  /** What keeps pushes from being taken; empty while they are. */
  readonly problems: readonly string[];
}

export interface NodeView {
  readonly node: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly capabilities: readonly CapabilityState[];
  readonly aggregators: readonly AggregatorView[];
}

export interface NodeAnswer extends NodeView {
  readonly bootTimeMs: number;
  readonly wallTimeMs: number;
  readonly logLevel: string;
}
