// What the agent keeps of each second, from its debugging endpoint, on the node's wall clock; values between two readings are
// interpolated, so that they can be held against another's readings of other instants.
import { getJson } from './port-forward.ts';

export interface Series {
  /** Wall clock, ms, oldest first. */
  readonly atMs: readonly number[];
  readonly cpuUsageUs: readonly (number | null)[];
  readonly workingSetBytes: readonly (number | null)[];
}

interface RowAnswer {
  readonly bootTimeMs: number;
  readonly wallTimeMs: number;
  readonly rows: readonly {
    readonly ref: number;
    readonly kind: string;
    readonly namespace: string | null;
    readonly pod: string | null;
    readonly container: string | null;
  }[];
}

interface RingAnswer {
  readonly atBootMs: readonly number[];
  readonly cpuUsageUs: readonly (number | null)[];
  readonly workingSetBytes: readonly (number | null)[];
}

/** @param url of the endpoint @param keys `namespace/pod/container`, or `node` @returns by key; without those it has no row of */
export async function agentSeries(url: string, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, Series>> {
  const { rows, bootTimeMs, wallTimeMs } = await getJson<RowAnswer>(`${url}/api/rows`);
  const found = new Map<string, Series>();
  for (const { ref, kind, namespace, pod, container } of rows) {
    const key = kind === 'node' ? kind : kind === 'container' ? `${namespace}/${pod}/${container}` : '';
    if (!keys.has(key)) continue;
    const { atBootMs, ...columns } = await getJson<RingAnswer>(`${url}/api/ring/${ref}.json`);
    found.set(key, { ...columns, atMs: atBootMs.map((at) => at + wallTimeMs - bootTimeMs) });
  }
  return found;
}

/** @returns undefined outside the series, or where a neighbour was not read */
export function valueAt(
  { atMs, ...columns }: Series,
  column: 'cpuUsageUs' | 'workingSetBytes',
  instantMs: number,
): number | undefined {
  const after = atMs.findIndex((at) => at >= instantMs);
  if (after < 0) return undefined;
  const [later, earlier] = [columns[column][after], columns[column][after - 1]];
  if (atMs[after] === instantMs) return later ?? undefined;
  if (later === null || later === undefined || earlier === null || earlier === undefined) return undefined;
  const share = (instantMs - atMs[after - 1]!) / (atMs[after]! - atMs[after - 1]!);
  return earlier + share * (later - earlier);
}
