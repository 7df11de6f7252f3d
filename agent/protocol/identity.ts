// Who a row of a batch speaks of. An agent knows pod uids and container ids from cgroup paths, never names:
// names come back from the aggregator in the push reply.

/** What a row describes: the whole node, a QoS or system slice, a pod's cgroup, one container. */
export type RowKind = 'node' | 'slice' | 'pod' | 'container';

/** The order is the wire's: new kinds go to the end. */
export const ROW_KINDS: readonly RowKind[] = ['node', 'slice', 'pod', 'container'];

/** Sent once per epoch for each `ref`; later batches name the row by `ref` alone. */
export interface Identity {
  /** Small integer, unique within the epoch and never used again in it. 0 is the node's own row. */
  readonly ref: number;
  readonly kind: RowKind;
  /** The pod's uid as in `metadata.uid` (for static pods the config hash, 32 hex without dashes); '' for node and slice. */
  readonly podUid: string;
  /** 64 hex without the runtime prefix; '' unless `kind` is 'container'. */
  readonly containerId: string;
  /** The cgroup's path below the mount, without a leading slash; '' for the node. */
  readonly cgroup: string;
  /** When the cgroup was made, CLOCK_BOOTTIME in ms (directory's birth, else first sight). */
  readonly startBootMs: number;
}
