// One push of one node: numbers as columns, one column a quantity, one row a cgroup. See docs/protocol.md.
import type { Identity } from './identity.ts';
import type { Shortage } from './shortage.ts';

/** Media types of this protocol version; the JSON form is for people and curl, agents send the binary one. */
export const BATCH_JSON_V1 = 'application/vnd.headroom.batch.v1+json';
export const BATCH_BINARY_V1 = 'application/vnd.headroom.batch.v1';

/** Where agents post batches, regular and urgent ones alike. */
export const BATCH_PATH = '/v1/batches';

/**
 * Columns in wire order. `…Us`, `…Bytes` and counts are integers; counters count from the cgroup's birth.
 * A value that was not read is NaN in memory and absent on the wire; a limit of "max" is Infinity.
 */
export const COLUMNS = [
  'atBootMs', // instant of the reading, CLOCK_BOOTTIME
  'windowUs', // length of the window that cpuWindowUs was used over
  'cpuWindowUs', // CPU time used over the window
  'cpuUsageUs', // counter
  'workingSetBytes', // memory.current − inactive_file, floored at 0
  'memoryCurrentBytes',
  'memoryLimitBytes', // memory.max
  'anonBytes',
  'fileBytes', // reclaimable page cache: active_file + inactive_file
  'swapBytes',
  'cpuLimitMillis', // cpu.max as millicores
  'periods', // counter
  'throttledPeriods', // counter
  'throttledUs', // counter
  'oomKills', // counter
  'cpuSomeUs', // counter, PSI total
  'memorySomeUs', // counter, PSI total
  'ioSomeUs', // counter, PSI total
  'ioReadBytes', // counter
  'ioWriteBytes', // counter
  'pids',
  'cpuPeakMillis', // highest 1 s CPU since the last acknowledged push
  'workingSetPeakBytes', // highest sampled working set since the last acknowledged push
] as const;

export type ColumnName = (typeof COLUMNS)[number];

/** `count` rows; each column that is present has `count` values. */
export interface ReportColumns {
  readonly count: number;
  readonly ref: Uint32Array;
  readonly values: { readonly [name in ColumnName]?: Float64Array };
}

/** Seconds of CPU use per bucket since the last acknowledged push, sparse: entry i says row `row[i]` spent `seconds[i]` in `bucket[i]`. */
export interface CpuHistogram {
  /** Names the bucket bounds, so that a receiver never adds up different ones. */
  readonly scheme: string;
  readonly row: Uint32Array;
  readonly bucket: Uint16Array;
  readonly seconds: Uint32Array;
}

export interface Batch {
  readonly node: string;
  readonly agentVersion: string;
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string;
  /** Grows with each start of the agent within a boot (CLOCK_BOOTTIME in ms at start). */
  readonly epoch: number;
  /** Grows by one with each batch of the epoch, urgent ones included; a retry carries the same number. */
  readonly sequence: number;
  /** When the batch was cut, CLOCK_BOOTTIME in ms. Order and rates go by this clock. */
  readonly bootTimeMs: number;
  /** The agent's wall clock at the same instant, Unix ms: a label, and the measure of its skew. */
  readonly wallTimeMs: number;
  /** Refs that this batch introduces (or repeats, after the receiver asked to resynchronise). */
  readonly identities: readonly Identity[];
  /** Refs that ended since the last batch. */
  readonly gone: readonly number[];
  readonly reports: ReportColumns;
  readonly histogram: CpuHistogram;
  readonly shortages: readonly Shortage[];
}
