// What the kernel says that a container has used, ten times a second: the metrics API's figures are held against it, over their own windows.
// It goes on with the container that takes its place, and through a restart of the node.
import type { Served } from './comparison.ts';
import { followInGuest } from './guest-shell.ts';

/**
 * Over all the instants that the figure may be of. Where between two readings a burst lay can't be told: each end of the window may be before or
 * after all that was used between the readings around it.
 */
export interface UsedMillis {
  /** 0 where the window began before the container was looked at. */
  readonly least: number;
  /** There, as if all that it had used by then were of the window. */
  readonly most: number;
}

export interface FollowedCpu {
  /** What was used over the figure's window; undefined: not all of it was read, or not yet. */
  over(figure: Served): UsedMillis | undefined;
  close(): void;
}

export interface Reading {
  /** The node's wall clock, ms, when it was over. */
  readonly atMs: number;
  /** How long it took: the value is of some instant in it. */
  readonly tookMs: number;
  readonly usedUs: number;
}

interface Follower {
  close(): void;
}

const EACH_MS = 100;
/** Between two readings that are further apart nothing is known. */
const MOST_APART_MS = 500;
const SILENT_MS = 2000;
/** Of the instants that a figure may be of. */
const STEP_MS = 20;
/** The API tells whole seconds, rounded down, of an instant that may be late by the push's way to the aggregator. */
const [EARLIEST_MS, LATEST_MS] = [-500, 1000];

/** @param folderOf the container's cgroup now */
export function followCpu(folderOf: () => Promise<string>): FollowedCpu {
  const readings = new Map<string, Reading[]>();
  let speaking: Follower | undefined;
  let asked: Follower | undefined;
  let heardMs = -Infinity;
  let isClosed = false;
  /** The one of before is closed when the new one speaks: it may only have been slow. */
  const again = async (): Promise<void> => {
    const folder = await folderOf();
    if (isClosed) return;
    const kept = readings.get(folder) ?? [];
    readings.set(folder, kept);
    asked?.close();
    const follower: Follower = followInGuest(`cgroup_watch --each ${EACH_MS} ${folder}/cpu.stat`, (line) => {
      const [, at, used, took] = /^([\d.]+) \S+ usage_usec (\d+) \+([\d.]+)$/.exec(line) ?? [];
      if (took === undefined) return;
      heardMs = performance.now();
      if (asked === follower) {
        speaking?.close();
        [speaking, asked] = [follower, undefined];
      }
      if (Number(at) > (kept.at(-1)?.atMs ?? 0))
        kept.push({ atMs: Number(at), tookMs: Number(took), usedUs: Number(used) });
    });
    asked = follower;
  };
  const look = setInterval(() => {
    if (performance.now() - heardMs < SILENT_MS) return;
    heardMs = performance.now();
    // The API server may know no container, and the guest be on its way.
    again().catch(() => undefined);
  }, EACH_MS);
  return {
    over: (figure) => {
      const found = [...readings.values()].flatMap((kept) => usedOver(kept, figure) ?? []);
      if (found.length === 0) return undefined;
      return { least: Math.min(...found.map(({ least }) => least)), most: Math.max(...found.map(({ most }) => most)) };
    },
    close: () => {
      isClosed = true;
      clearInterval(look);
      speaking?.close();
      asked?.close();
    },
  };
}

/** @param kept of one container, oldest first @returns undefined where an instant that the figure may be of was not read, or not yet */
export function usedOver(kept: readonly Reading[], { atMs, windowMs }: Served): UsedMillis | undefined {
  const first = kept[0];
  if (first === undefined) return undefined;
  const used: UsedMillis[] = [];
  for (let endMs = atMs + EARLIEST_MS; endMs <= atMs + LATEST_MS; endMs += STEP_MS) {
    const from = endMs - windowMs >= first.atMs ? usedBy(kept, endMs - windowMs) : { leastUs: 0, mostUs: Infinity };
    const to = endMs <= first.atMs - first.tookMs ? { leastUs: 0, mostUs: first.usedUs } : usedBy(kept, endMs);
    if (from === undefined || to === undefined) return undefined;
    used.push({
      least: Math.max(0, to.leastUs - from.mostUs) / windowMs,
      most: (to.mostUs - from.leastUs) / windowMs,
    });
  }
  return { least: Math.min(...used.map(({ least }) => least)), most: Math.max(...used.map(({ most }) => most)) };
}

interface UsedBy {
  readonly leastUs: number;
  readonly mostUs: number;
}

/** @returns what two readings say, one that was over and one that began later, near each other; undefined elsewhere */
function usedBy(kept: readonly Reading[], atMs: number): UsedBy | undefined {
  const before = kept.findLast((reading) => reading.atMs <= atMs);
  const after = kept.find((reading) => reading.atMs - reading.tookMs >= atMs);
  if (before === undefined || after === undefined || after.atMs - before.atMs > MOST_APART_MS) return undefined;
  return { leastUs: before.usedUs, mostUs: after.usedUs };
}
