// How much one node may push: an agent that went wrong, or a node that was taken over, must not take the time of all others. Counted
// in bytes, the push itself as some more; far above what an agent sends: 32 KB each second for 500 containers at its fastest, and a hundred
// urgent pushes a second where many containers run short at once.

/** Not a push's bytes, but what it costs beside them. */
const PUSH_BYTES = 4 * 1024;
/** The largest batch and what a restart of many pods brings may come at once. */
const BURST_BYTES = 16 * 1024 * 1024;
const BYTES_PER_MS = (512 * 1024) / 1000;
/** Above it the one that has been remembered the longest begins anew. */
const MOST_NODES = 12_000;

interface Left {
  bytes: number;
  atMs: number;
}

export interface PushAllowance {
  /** @returns whether the node may push now */
  has(node: string): boolean;
  /** It has pushed so many bytes. */
  spend(node: string, bytes: number): void;
}

/** @param clock monotonic, ms */
export function createPushAllowance(clock: () => number): PushAllowance {
  const nodes = new Map<string, Left>();
  const leftOf = (node: string): Left => {
    const nowMs = clock();
    let left = nodes.get(node);
    if (left === undefined) {
      if (nodes.size >= MOST_NODES) for (const oldest of nodes.keys()) if (nodes.delete(oldest)) break;
      nodes.set(node, (left = { bytes: BURST_BYTES, atMs: nowMs }));
    }
    left.bytes = Math.min(BURST_BYTES, left.bytes + (nowMs - left.atMs) * BYTES_PER_MS);
    left.atMs = nowMs;
    return left;
  };
  return {
    has: (node) => leftOf(node).bytes > 0,
    spend(node, bytes) {
      leftOf(node).bytes -= bytes + PUSH_BYTES;
    },
  };
}
