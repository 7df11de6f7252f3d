// Bucket bounds of the 1 s CPU histogram: the Vertical Pod Autoscaler's CPU scheme (first bucket 0.01 core, each 1.05 times
// as wide as the one before, up to 1000 cores), so that history can later move between the two without loss.

export const CPU_SCHEME = 'exp-0.01-1.05-1000';

const FIRST_MILLIS = 10;
const RATIO = 1.05;
/** Buckets of CPU_SCHEME. */
export const CPU_BUCKETS = 176;

/** Bucket of `millis` millicores: 0 holds [0, 10 m). Never out of range. */
export function cpuBucketOf(millis: number): number {
  if (!(millis >= FIRST_MILLIS)) return 0;
  const bucket = Math.floor(Math.log((millis * (RATIO - 1)) / FIRST_MILLIS + 1) / Math.log(RATIO));
  return bucket < CPU_BUCKETS ? bucket : CPU_BUCKETS - 1;
}

/** Lower bound of a bucket, millicores. */
export function cpuBucketStart(bucket: number): number {
  return bucket === 0 ? 0 : (FIRST_MILLIS * (RATIO ** bucket - 1)) / (RATIO - 1);
}
