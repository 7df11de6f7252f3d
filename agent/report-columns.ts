// Rows as the columns of a batch. The typed arrays are used again for the next batch: encode one before filling the next.
import { workingSetBytes } from './cgroup/sample.ts';
import type { PeakTally } from './peak-tally.ts';
import { COLUMNS } from './protocol/batch.ts';
import type { ColumnName, CpuHistogram, ReportColumns } from './protocol/batch.ts';
import { CPU_SCHEME } from './protocol/histogram-scheme.ts';
import type { Row } from './row.ts';
import { usageOver } from './window.ts';

const FIRST_ROWS = 256;
const FIRST_ENTRIES = 1024;

export interface FilledColumns {
  readonly reports: ReportColumns;
  readonly histogram: CpuHistogram;
}

export class ReportBuffers {
  #rows = 0;
  #ref = new Uint32Array(0);
  #values = {} as Record<ColumnName, Float64Array>;
  #filled = new Set<ColumnName>();
  #histogramRow = new Uint32Array(FIRST_ENTRIES);
  #histogramBucket = new Uint16Array(FIRST_ENTRIES);
  #histogramSeconds = new Uint32Array(FIRST_ENTRIES);
  #entries = 0;

  /**
   * @param tallyOf peaks to report with a row; undefined: none (an urgent batch leaves them to the next regular one)
   * @param hasSwap whether the node swaps at all: memory.swap.current is there, and 0, where it doesn't
   * @returns views that the next call overwrites
   */
  columns(
    rows: readonly Row[],
    windowMs: number,
    tallyOf: (row: Row) => PeakTally | undefined,
    hasSwap = true,
  ): FilledColumns {
    this.#grow(rows.length);
    this.#filled.clear();
    this.#entries = 0;
    rows.forEach((row, index) => {
      this.#ref[index] = row.identity.ref;
      this.#fillRow(row, index, windowMs, hasSwap);
      this.#fillTally(tallyOf(row), index);
    });
    const count = rows.length;
    const values: { [name in ColumnName]?: Float64Array } = {};
    for (const name of COLUMNS) if (this.#filled.has(name)) values[name] = this.#values[name].subarray(0, count);
    return {
      reports: { count, ref: this.#ref.subarray(0, count), values },
      histogram: {
        scheme: CPU_SCHEME,
        row: this.#histogramRow.subarray(0, this.#entries),
        bucket: this.#histogramBucket.subarray(0, this.#entries),
        seconds: this.#histogramSeconds.subarray(0, this.#entries),
      },
    };
  }

  #fillRow(row: Row, index: number, windowMs: number, hasSwap: boolean): void {
    const { sample } = row;
    const usage = usageOver(row.ring, windowMs);
    this.#set('atBootMs', index, sample.atBootMs);
    this.#set('windowUs', index, usage?.windowUs ?? NaN);
    this.#set('cpuWindowUs', index, usage?.cpuUs ?? NaN);
    this.#set('cpuUsageUs', index, sample.cpuUsageUs);
    this.#set('workingSetBytes', index, workingSetBytes(sample));
    this.#set('memoryCurrentBytes', index, sample.memoryCurrentBytes);
    this.#set('memoryLimitBytes', index, sample.memoryLimitBytes);
    this.#set('anonBytes', index, sample.anonBytes);
    this.#set('fileBytes', index, sample.activeFileBytes + sample.inactiveFileBytes);
    this.#set('swapBytes', index, hasSwap ? sample.swapBytes : NaN);
    this.#set('cpuLimitMillis', index, (sample.cpuQuotaUs / sample.cpuPeriodUs) * 1000);
    this.#set('periods', index, sample.periods);
    this.#set('throttledPeriods', index, sample.throttledPeriods);
    this.#set('throttledUs', index, sample.throttledUs);
    this.#set('oomKills', index, sample.eventsOomKill);
    this.#set('cpuSomeUs', index, sample.cpuSomeUs);
    this.#set('memorySomeUs', index, sample.memorySomeUs);
    this.#set('ioSomeUs', index, sample.ioSomeUs);
    this.#set('ioReadBytes', index, sample.ioReadBytes);
    this.#set('ioWriteBytes', index, sample.ioWriteBytes);
    this.#set('pids', index, sample.pids);
  }

  #fillTally(tally: PeakTally | undefined, index: number): void {
    this.#set('cpuPeakMillis', index, tally?.cpuPeakMillis ?? NaN);
    this.#set('workingSetPeakBytes', index, tally?.workingSetPeakBytes ?? NaN);
    if (!tally) return;
    if (this.#entries + tally.size > this.#histogramRow.length) this.#growHistogram(this.#entries + tally.size);
    tally.each((bucket, seconds) => {
      this.#histogramRow[this.#entries] = index;
      this.#histogramBucket[this.#entries] = bucket;
      this.#histogramSeconds[this.#entries] = seconds;
      this.#entries++;
    });
  }

  #set(name: ColumnName, index: number, value: number): void {
    this.#values[name][index] = value;
    if (!Number.isNaN(value)) this.#filled.add(name);
  }

  #grow(rows: number): void {
    if (rows <= this.#rows) return;
    this.#rows = Math.max(FIRST_ROWS, rows, this.#rows * 2);
    this.#ref = new Uint32Array(this.#rows);
    for (const name of COLUMNS) this.#values[name] = new Float64Array(this.#rows);
  }

  #growHistogram(entries: number): void {
    const size = Math.max(entries, this.#histogramRow.length * 2);
    const [row, bucket, seconds] = [new Uint32Array(size), new Uint16Array(size), new Uint32Array(size)];
    row.set(this.#histogramRow);
    bucket.set(this.#histogramBucket);
    seconds.set(this.#histogramSeconds);
    this.#histogramRow = row;
    this.#histogramBucket = bucket;
    this.#histogramSeconds = seconds;
  }
}
