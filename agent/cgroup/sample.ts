// One reading of one cgroup. A Sample is reused from tick to tick: parsers write into it, nothing is allocated per reading.

/** Every field is a number; NaN says "not read, or the kernel has no such file"; Infinity says "max". Counters count from the cgroup's birth. */
export interface Sample {
  /** Instant of the reading, CLOCK_BOOTTIME in ms (fractions kept). */
  atBootMs: number;
  cpuUsageUs: number;
  cpuUserUs: number;
  cpuSystemUs: number;
  periods: number;
  throttledPeriods: number;
  throttledUs: number;
  cpuQuotaUs: number;
  cpuPeriodUs: number;
  memoryCurrentBytes: number;
  memoryLimitBytes: number;
  memoryHighBytes: number;
  memoryPeakBytes: number;
  anonBytes: number;
  activeFileBytes: number;
  inactiveFileBytes: number;
  shmemBytes: number;
  /** Pages of file cache that were read back soon after they had been taken away: not those of a file read through once, or in turns. */
  hotRefaultsFile: number;
  swapBytes: number;
  eventsHigh: number;
  eventsMax: number;
  eventsOom: number;
  eventsOomKill: number;
  cpuSomeUs: number;
  memorySomeUs: number;
  memoryFullUs: number;
  ioSomeUs: number;
  ioReadBytes: number;
  ioWriteBytes: number;
  pids: number;
  /** Of its tasks for a CPU, since the agent follows the cgroup (native/bpf/run_queue.bpf.c). */
  waitMs: number;
}

/** A sample in which nothing was read yet. */
export function emptySample(): Sample {
  return {
    atBootMs: NaN,
    cpuUsageUs: NaN,
    cpuUserUs: NaN,
    cpuSystemUs: NaN,
    periods: NaN,
    throttledPeriods: NaN,
    throttledUs: NaN,
    cpuQuotaUs: NaN,
    cpuPeriodUs: NaN,
    memoryCurrentBytes: NaN,
    memoryLimitBytes: NaN,
    memoryHighBytes: NaN,
    memoryPeakBytes: NaN,
    anonBytes: NaN,
    activeFileBytes: NaN,
    inactiveFileBytes: NaN,
    shmemBytes: NaN,
    hotRefaultsFile: NaN,
    swapBytes: NaN,
    eventsHigh: NaN,
    eventsMax: NaN,
    eventsOom: NaN,
    eventsOomKill: NaN,
    cpuSomeUs: NaN,
    memorySomeUs: NaN,
    memoryFullUs: NaN,
    ioSomeUs: NaN,
    ioReadBytes: NaN,
    ioWriteBytes: NaN,
    pids: NaN,
    waitMs: NaN,
  };
}

/** Working set as the kubelet computes it: current − inactive_file, floored at 0. NaN while either was not read. */
export function workingSetBytes(sample: Sample): number {
  return Math.max(0, sample.memoryCurrentBytes - sample.inactiveFileBytes);
}

/** Memory that no reclaim of page cache can free: current − (active_file + inactive_file), floored at 0. */
export function neededMemoryBytes(sample: Sample): number {
  return Math.max(0, sample.memoryCurrentBytes - sample.activeFileBytes - sample.inactiveFileBytes);
}
