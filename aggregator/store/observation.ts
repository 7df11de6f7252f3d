// What the store knows of one container now, in units that a decision works with.

export interface Observation {
  /** Node's CLOCK_BOOTTIME of the reading, ms. */
  readonly atBootMs: number;
  /** Receipt at this process: Date.now() scale for display and a monotonic ms for age. */
  readonly receivedWallMs: number;
  readonly receivedMonoMs: number;
  readonly cpuMillis: number;
  readonly workingSetBytes: number;
  readonly memoryCurrentBytes: number;
  /** Page cache that can be reclaimed. */
  readonly fileBytes: number;
  /** The cgroup's own limits, as the agent read them; Infinity: none, NaN: not read. */
  readonly memoryLimitBytes: number;
  readonly cpuLimitMillis: number;
}
