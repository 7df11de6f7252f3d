// Peaks and the 1 s CPU histogram of one row since the last push that one aggregator acknowledged.
import { cpuBucketOf } from '../protocol/histogram-scheme.ts';

/** Most seconds that one reading stands for; the ring reaches no further back either. */
const MAX_SECONDS = 900;

export class PeakTally {
  /** NaN while nothing was noted. */
  cpuPeakMillis = NaN;
  workingSetPeakBytes = NaN;
  // Sparse and unsorted: one bucket of an idle container in 5 s, a handful of a busy one, never more than the scheme has. There is a
  // tally a row, an aggregator and a push, so an idle one holds no arrays. Bucket −1: none yet.
  #firstBucket = -1;
  #firstSeconds = 0;
  /** Pairs of bucket and seconds. */
  #more: number[] | undefined;

  /** Entries of the histogram. */
  get size(): number {
    return this.#firstBucket < 0 ? 0 : 1 + (this.#more?.length ?? 0) / 2;
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
    if (this.#firstBucket < 0) return;
    visit(this.#firstBucket, this.#firstSeconds);
    const more = this.#more ?? [];
    for (let at = 0; at < more.length; at += 2) visit(more[at]!, more[at + 1]!);
  }

  #add(bucket: number, seconds: number): void {
    if (this.#firstBucket < 0) this.#firstBucket = bucket;
    if (this.#firstBucket === bucket) {
      this.#firstSeconds += seconds;
      return;
    }
    const more = (this.#more ??= []);
    for (let at = 0; at < more.length; at += 2) {
      if (more[at] !== bucket) continue;
      more[at + 1]! += seconds;
      return;
    }
    more.push(bucket, seconds);
  }
}

function larger(peak: number, value: number): number {
  return Number.isNaN(value) || peak >= value ? peak : value;
}
