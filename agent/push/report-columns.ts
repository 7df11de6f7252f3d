// Rows as the columns of a batch. The typed arrays are used again for the next batch: encode one before filling the next.
import { workingSetBytes } from '../cgroup/sample.ts';
import type { PeakTally } from '../store/peak-tally.ts';
import { COLUMNS } from '../protocol/batch.ts';
import type { ColumnName, CpuHistogram, ReportColumns } from '../protocol/batch.ts';
import { CPU_SCHEME } from '../protocol/histogram-scheme.ts';
import type { Row } from '../store/row.ts';
import { usageOver } from '../store/window.ts';

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
    this.#entries = 0;
    rows.forEach((row, index) => {
      this.#ref[index] = row.identity.ref;
      this.#fillRow(row, index, windowMs, hasSwap);
      this.#fillTally(tallyOf(row), index);
    });
    const count = rows.length;
    const values: { [name in ColumnName]?: Float64Array } = {};
    for (const name of COLUMNS) {
      const column = this.#values[name].subarray(0, count);
      if (column.some(isKnown)) values[name] = column;
    }
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
    const values = this.#values;
    const usage = usageOver(row.ring, windowMs);
    values.atBootMs[index] = sample.atBootMs;
    values.windowUs[index] = usage?.windowUs ?? NaN;
    values.cpuWindowUs[index] = usage?.cpuUs ?? NaN;
    values.cpuUsageUs[index] = sample.cpuUsageUs;
    values.workingSetBytes[index] = workingSetBytes(sample);
    values.memoryCurrentBytes[index] = sample.memoryCurrentBytes;
    values.memoryLimitBytes[index] = sample.memoryLimitBytes;
    values.anonBytes[index] = sample.anonBytes;
    values.fileBytes[index] = sample.activeFileBytes + sample.inactiveFileBytes;
    values.swapBytes[index] = hasSwap ? sample.swapBytes : NaN;
    values.cpuLimitMillis[index] = (sample.cpuQuotaUs / sample.cpuPeriodUs) * 1000;
    values.periods[index] = sample.periods;
    values.throttledPeriods[index] = sample.throttledPeriods;
    values.throttledUs[index] = sample.throttledUs;
    values.oomKills[index] = sample.eventsOomKill;
    values.cpuSomeUs[index] = sample.cpuSomeUs;
    values.memorySomeUs[index] = sample.memorySomeUs;
    values.ioSomeUs[index] = sample.ioSomeUs;
    values.ioReadBytes[index] = sample.ioReadBytes;
    values.ioWriteBytes[index] = sample.ioWriteBytes;
    values.pids[index] = sample.pids;
  }

  #fillTally(tally: PeakTally | undefined, index: number): void {
    const values = this.#values;
    values.cpuPeakMillis[index] = tally?.cpuPeakMillis ?? NaN;
    values.workingSetPeakBytes[index] = tally?.workingSetPeakBytes ?? NaN;
    if (!tally) return;
    if (this.#entries + tally.size > this.#histogramRow.length) this.#growHistogram(this.#entries + tally.size);
    tally.each((bucket, seconds) => {
      this.#histogramRow[this.#entries] = index;
      this.#histogramBucket[this.#entries] = bucket;
      this.#histogramSeconds[this.#entries] = seconds;
      this.#entries++;
    });
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

function isKnown(value: number): boolean {
  return !Number.isNaN(value);
}
