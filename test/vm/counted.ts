// The kernel's counts, read ten times a second, turned into what the metrics API should have said for a window.
import type { Counted } from './guest/cgroup.ts';

/** metav1.Time has whole seconds: the reading lies somewhere in the second that it names. */
const MIDDLE_OF_SECOND_MS = 500;

/**
 * @param timestamp RFC 3339, as the API wrote it
 * @param window metav1.Duration such as 15s or 1m0.5s
 * @returns CPU used over the window that ends at the timestamp, cores
 */
export function cpuUsedOver(counted: readonly Counted[], timestamp: string, window: string): number {
  const endMs = instantOf(timestamp);
  const windowMs = durationMs(window);
  return (cpuAt(counted, endMs) - cpuAt(counted, endMs - windowMs)) / 1000 / windowMs;
}

/** Bytes of the reading nearest to the timestamp. */
export function workingSetAt(counted: readonly Counted[], timestamp: string): number {
  const atMs = instantOf(timestamp);
  const distance = (each: Counted): number => Math.abs(each.atMs - atMs);
  return counted.reduce((best, each) => (distance(each) < distance(best) ? each : best)).workingSetBytes;
}

export function durationMs(text: string): number {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== text) throw new Error(`not a duration: ${text}`);
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * units[unit as keyof typeof units], 0);
}

function instantOf(timestamp: string): number {
  const ms = Date.parse(timestamp);
  if (Number.isNaN(ms)) throw new Error(`not a timestamp: ${timestamp}`);
  return timestamp.includes('.') ? ms : ms + MIDDLE_OF_SECOND_MS;
}

/** cpu usage at an instant, µs, on the straight line between the readings around it. */
function cpuAt(counted: readonly Counted[], atMs: number): number {
  const after = counted.findIndex((each) => each.atMs >= atMs);
  const [from, to] = [counted[after - 1], counted[after]];
  if (!from || !to) throw new Error(`no readings around ${new Date(atMs).toISOString()}`);
  return from.cpuUsageUs + ((to.cpuUsageUs - from.cpuUsageUs) * (atMs - from.atMs)) / (to.atMs - from.atMs);
}
