// A shortage as one sentence, for the list of signals.
import type { Shortage } from '../protocol/shortage.ts';

const MIB = 1024 * 1024;

export function shortageText({ resource, kind, need, limit, rate, secondsToHarm }: Shortage): string {
  if (resource === 'cpu')
    return `cpu ${kind}: uses ${rounded(need)} m of ${rounded(limit)} m, throttled in ${Math.round(rate * 100)} % of periods`;
  const pace = `growing ${rounded(rate / MIB)} MiB/s, ${rounded(secondsToHarm)} s to the limit`;
  return `memory ${kind}: needs ${rounded(need / MIB)} MiB of ${rounded(limit / MIB)} MiB, ${pace}`;
}

function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}
