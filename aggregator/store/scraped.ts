// What a kubelet told of a node whose agent is silent (kubelet /metrics/resource), into the slots that an agent's rows go to,
// found by name: the kubelet knows no container ids. Only points: levels, limits and peaks stay the agent's.
import type { PodEntry } from './entries.ts';
import { heldSlot, touch } from './entries.ts';
import type { NodeState } from './node-state.ts';
import {
  CPU_WINDOW_US,
  POINT_FIELDS,
  POINT_MONO_MS,
  POINT_WALL_MS,
  SWAP_BYTES,
  WINDOW_US,
  WORKING_SET_BYTES,
} from './points.ts';
import type { Points } from './points.ts';
import type { Receipt } from './row.ts';

export interface ScrapedUsage {
  /** How long before receipt the kubelet read it, ms. */
  readonly ageMs: number;
  readonly windowUs: number;
  readonly cpuWindowUs: number;
  readonly workingSetBytes: number;
  /** NaN: not told. */
  readonly swapBytes: number;
}

export interface ScrapedContainer extends ScrapedUsage {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface Scraped {
  readonly node: string;
  readonly usage: ScrapedUsage | undefined;
  readonly containers: readonly ScrapedContainer[];
}

/** `stored` points; `unknown` containers: the API has no such one running on the node. */
export interface ScrapeStored {
  readonly stored: number;
  readonly unknown: number;
}

/** A point is written unless the slot holds one that was read later: an agent that came to life meanwhile is not set back. */
export function writeScraped(
  points: Points,
  state: NodeState,
  podOf: (namespace: string, name: string) => PodEntry | undefined,
  { usage, containers }: Scraped,
  receipt: Receipt,
): ScrapeStored {
  let stored = 0;
  let unknown = 0;
  const { entry } = state;
  if (usage !== undefined && entry !== undefined && writeUsage(points, entry.slots[0], usage, receipt)) {
    touch(entry);
    stored++;
  }
  for (const scraped of containers) {
    const pod = podOf(scraped.namespace, scraped.pod);
    const slot = pod?.node === state ? runningSlot(pod, scraped.container) : undefined;
    if (pod === undefined || slot === undefined) unknown++;
    else if (writeUsage(points, slot, scraped, receipt)) {
      touch(pod);
      stored++;
    }
  }
  return { stored, unknown };
}

function runningSlot(pod: PodEntry, name: string): number | undefined {
  const container = pod.record.containers.find((one) => one.name === name && one.running);
  return container === undefined ? undefined : heldSlot(pod, container.containerId);
}

function writeUsage({ point }: Points, slot: number | undefined, usage: ScrapedUsage, receipt: Receipt): boolean {
  if (slot === undefined) return false;
  const { windowUs, cpuWindowUs, workingSetBytes, swapBytes } = usage;
  if (!(windowUs > 0 && cpuWindowUs >= 0 && workingSetBytes >= 0)) return false;
  const ageMs = Math.max(0, usage.ageMs);
  const pointMonoMs = receipt.monoMs - ageMs;
  if (!Number.isFinite(windowUs + cpuWindowUs + workingSetBytes + pointMonoMs)) return false;
  const of = slot * POINT_FIELDS;
  if (point[of + POINT_MONO_MS]! >= pointMonoMs) return false;
  point[of + POINT_MONO_MS] = pointMonoMs;
  point[of + POINT_WALL_MS] = receipt.wallMs - ageMs;
  point[of + WINDOW_US] = windowUs;
  point[of + CPU_WINDOW_US] = cpuWindowUs;
  point[of + WORKING_SET_BYTES] = workingSetBytes;
  if (swapBytes >= 0) point[of + SWAP_BYTES] = swapBytes;
  return true;
}
