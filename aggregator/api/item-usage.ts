// What an item is made of, whatever it is written as.
import type { PodRecord } from '../kube/records.ts';
import type { Usage } from '../store/views.ts';

/** What an item's metadata is made of: a pod's or a node's record. */
export interface Named {
  /** Absent for nodes. */
  readonly namespace?: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** In the order of the spec: containers, then sidecars. */
export function runningNames({ containers }: PodRecord): readonly string[] {
  return containers.filter(({ running }) => running).map(({ name }) => name);
}

/** Consumers add a resource up over the containers: either each has it or none. Without swap on the node none has. */
export function hasSwap({ swapBytes, count }: Usage): boolean {
  if (swapBytes === undefined || count === 0) return false;
  for (let at = 0; at < count; at++) if (!(swapBytes[at]! >= 0)) return false;
  return true;
}
