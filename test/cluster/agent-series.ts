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

/** What was read of the agent so far, by key; each look asks only for what came since the last one. */
export interface FollowedSeries {
  /** @param keys `namespace/pod/container`, or `node` @returns by key, as last read where it is gone; without those that the agent had no row of */
  look(keys: ReadonlySet<string>): Promise<ReadonlyMap<string, Series>>;
}

/** @param url of the endpoint */
export function followSeries(url: string): FollowedSeries {
  const kept = new Map<number, RingAnswer>();
  const found = new Map<string, Series>();
  /** @returns undefined where it is gone since the rows were told */
  const readOf = async (ref: number): Promise<RingAnswer | undefined> => {
    const before = kept.get(ref) ?? { atBootMs: [], cpuUsageUs: [], workingSetBytes: [] };
    const newest = before.atBootMs.at(-1);
    const since = newest === undefined ? '' : `?since=${newest}`;
    const came = await getJson<RingAnswer>(`${url}/api/ring/${ref}.json${since}`, [404]);
    if (came === undefined) return undefined;
    const read = joined(before, came);
    kept.set(ref, read);
    return read;
  };
  return {
    look: async (keys) => {
      const { rows, bootTimeMs, wallTimeMs } = await getJson<RowAnswer>(`${url}/api/rows`);
      for (const { ref, kind, namespace, pod, container } of rows) {
        const key = kind === 'node' ? kind : kind === 'container' ? `${namespace}/${pod}/${container}` : '';
        if (!keys.has(key)) continue;
        const read = await readOf(ref);
        if (read === undefined) continue;
        const { atBootMs, ...columns } = read;
        found.set(key, { ...columns, atMs: atBootMs.map((at) => at + wallTimeMs - bootTimeMs) });
      }
      return found;
    },
  };
}

function joined(before: RingAnswer, after: RingAnswer): RingAnswer {
  return {
    atBootMs: [...before.atBootMs, ...after.atBootMs],
    cpuUsageUs: [...before.cpuUsageUs, ...after.cpuUsageUs],
    workingSetBytes: [...before.workingSetBytes, ...after.workingSetBytes],
  };
}

interface Around {
  readonly before: number;
  readonly after: number;
  /** Where between the two the instant lies, from 0 to 1. */
  readonly place: number;
}

/** @returns the readings on both sides of an instant; undefined outside the series, or where a neighbour was not read */
export function valuesAround(
  { atMs, ...columns }: Series,
  column: 'cpuUsageUs' | 'workingSetBytes',
  instantMs: number,
): Around | undefined {
  const index = atMs.findIndex((at) => at >= instantMs);
  if (index < 0) return undefined;
  const after = columns[column][index] ?? undefined;
  if (after !== undefined && atMs[index] === instantMs) return { before: after, after, place: 1 };
  const before = columns[column][index - 1] ?? undefined;
  if (before === undefined || after === undefined) return undefined;
  return { before, after, place: (instantMs - atMs[index - 1]!) / (atMs[index]! - atMs[index - 1]!) };
}

/** @returns undefined outside the series, or where a neighbour was not read */
export function valueAt(series: Series, column: 'cpuUsageUs' | 'workingSetBytes', atMs: number): number | undefined {
  const around = valuesAround(series, column, atMs);
  return around && around.before + around.place * (around.after - around.before);
}
