// A node's wall clock that is off is worth one line when it goes off and one when it is right again. No rate depends on it.
import type { Logger } from '../../agent/runtime/logger.ts';

/** Farther than the push's own way could explain. */
const SKEWED_MS = 2000;
const RIGHT_MS = 1000;
/** Nodes that are remembered as off; above it they are logged again and again. */
const MAX_NODES = 10_000;

export interface ClockSkew {
  /** @param skewMs agent's wall clock minus ours at receipt */
  measured(node: string, skewMs: number): void;
}

export function watchClockSkew(log: Logger): ClockSkew {
  const skewed = new Set<string>();
  /** Off at the last push: one that was held up on its way looks the same, a clock looks so twice in a row. */
  const doubted = new Set<string>();
  return {
    measured(node, skewMs) {
      const off = Math.abs(skewMs);
      const doubtedBefore = doubted.delete(node);
      if (off > SKEWED_MS && !skewed.has(node)) {
        if (!doubtedBefore && doubted.size < MAX_NODES) return void doubted.add(node);
        if (skewed.size < MAX_NODES) skewed.add(node);
        log.warn({ node, skewMs: Math.round(skewMs) }, 'wall clock of node is off: timestamps are corrected');
      } else if (off < RIGHT_MS && skewed.delete(node)) {
        log.info({ node, skewMs: Math.round(skewMs) }, 'wall clock of node is right again');
      }
    },
  };
}
