// Peaks and the 1 s CPU histogram of one row since the last push that one aggregator acknowledged.
import { cpuBucketOf } from './protocol/histogram-scheme.ts';

/** Most seconds that one reading stands for; the ring reaches no further back either. */
const MAX_SECONDS = 900;

export class PeakTally {
  /** NaN while nothing was noted. */
  cpuPeakMillis = NaN;
  workingSetPeakBytes = NaN;
  // Sparse and unsorted: a handful of buckets in 5 s, never more than the scheme has.
  readonly #buckets: number[] = [];
  readonly #seconds: number[] = [];

  /** Entries of the histogram. */
  get size(): number {
    return this.#buckets.length;
  }

  get isEmpty(): boolean {
    return this.size === 0 && Number.isNaN(this.cpuPeakMillis) && Number.isNaN(this.workingSetPeakBytes);
  }

  /** CPU of one stretch of about a second; a longer stretch (skipped ticks) counts as that many seconds. */
  noteCpu(millis: number, stretchMs: number, inHistogram: boolean): void {
    this.cpuPeakMillis = larger(this.cpuPeakMillis, millis);
    if (inHistogram) this.#add(cpuBucketOf(millis), Math.min(MAX_SECONDS, Math.max(1, Math.round(stretchMs / 1000))));
  }

  noteWorkingSet(bytes: number): void {
    this.workingSetPeakBytes = larger(this.workingSetPeakBytes, bytes);
  }

  /** Takes in what `other` holds; nothing of either is lost. */
  merge(other: PeakTally): void {
    this.cpuPeakMillis = larger(this.cpuPeakMillis, other.cpuPeakMillis);
    this.workingSetPeakBytes = larger(this.workingSetPeakBytes, other.workingSetPeakBytes);
    other.each((bucket, seconds) => this.#add(bucket, seconds));
  }

  each(visit: (bucket: number, seconds: number) => void): void {
    for (let i = 0; i < this.#buckets.length; i++) visit(this.#buckets[i] ?? 0, this.#seconds[i] ?? 0);
  }

  #add(bucket: number, seconds: number): void {
    const at = this.#buckets.indexOf(bucket);
    if (at >= 0) this.#seconds[at] = (this.#seconds[at] ?? 0) + seconds;
    else {
      this.#buckets.push(bucket);
      this.#seconds.push(seconds);
    }
  }
}

function larger(peak: number, value: number): number {
  return Number.isNaN(value) || peak >= value ? peak : value;
}
