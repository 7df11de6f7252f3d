// What the kernel says that a container has used, ten times a second: the metrics API's figures are held against it, over their own windows.
// It goes on with the container that takes its place, and through a restart of the node.
import type { Served } from './comparison.ts';
import { followInGuest } from './guest-shell.ts';

/** Of all the instants that the figure may be of. */
export interface UsedMillis {
  /** 0 where the window began before the kernel was asked. */
  readonly least: number;
  readonly most: number;
}

export interface FollowedCpu {
  /** What was used over the figure's window; undefined: nothing was read then. */
  over(figure: Served): UsedMillis | undefined;
  close(): void;
}

export interface Reading {
  /** The node's wall clock, ms. */
  readonly atMs: number;
  readonly usedUs: number;
}

const EACH_MS = 100;
const SILENT_MS = 2000;
/** The API tells whole seconds, rounded down. */
const ROUNDED_MS = 1000;

/** @param folderOf the container's cgroup now */
export function followCpu(folderOf: () => Promise<string>): FollowedCpu {
  const readings = new Map<string, Reading[]>();
  let follow: { close(): void } | undefined;
  let heardMs = -Infinity;
  const again = async (): Promise<void> => {
    const folder = await folderOf();
    const kept = readings.get(folder) ?? [];
    readings.set(folder, kept);
    const file = `${folder}/cpu.stat`;
    follow?.close();
    follow = followInGuest(`cgroup_watch --each ${EACH_MS} ${file} ${file}`, (line) => {
      const [, at, used] = /^([\d.]+) \S+ usage_usec (\d+)$/.exec(line) ?? [];
      if (used === undefined) return;
      heardMs = performance.now();
      kept.push({ atMs: Number(at), usedUs: Number(used) });
    });
  };
  const look = setInterval(() => {
    if (performance.now() - heardMs < SILENT_MS) return;
    heardMs = performance.now();
    // The API server may know no container, and the guest be on its way.
    again().catch(() => undefined);
  }, EACH_MS);
  return {
    over: (figure) => {
      const found = [...readings.values()].flatMap((kept) => usedOver(kept, figure));
      if (found.length === 0) return undefined;
      return { least: Math.min(...found.map(({ least }) => least)), most: Math.max(...found.map(({ most }) => most)) };
    },
    close: () => {
      clearInterval(look);
      follow?.close();
    },
  };
}

/**
 * @param kept of one container, oldest first
 * @returns one for each instant of ours that the figure may be of, as far as it lies within the readings
 */
export function usedOver(kept: readonly Reading[], { atMs, windowMs }: Served): readonly UsedMillis[] {
  const [first, last] = [kept[0], kept.at(-1)];
  if (!first || !last) return [];
  const ends = Array.from({ length: ROUNDED_MS / EACH_MS + 1 }, (_, index) => atMs + index * EACH_MS);
  return ends
    .filter((endMs) => endMs >= first.atMs && endMs <= last.atMs)
    .map((endMs) => {
      const isKnown = endMs - windowMs >= first.atMs;
      const before = isKnown ? usedAt(kept, endMs - windowMs) : 0;
      const most = (usedAt(kept, endMs) - before) / windowMs;
      return { least: isKnown ? most : 0, most };
    });
}

/** @param atMs within the readings; between two of them interpolated */
function usedAt(kept: readonly Reading[], atMs: number): number {
  const index = kept.findIndex((reading) => reading.atMs >= atMs);
  const [before, after] = [kept[Math.max(0, index - 1)]!, kept[index]!];
  if (after.atMs === before.atMs) return after.usedUs;
  return before.usedUs + ((after.usedUs - before.usedUs) * (atMs - before.atMs)) / (after.atMs - before.atMs);
}
