// The files of one cgroup where controllers sit in cgroup v1 (Documentation/admin-guide/cgroup-v1/): the v1 counterpart of each
// cgroup2 file, in cgroup2's units. Pressure and, where the cgroup exists there, CPU usage still come from cgroup2. 16 files kept open.
import { parseCpuStat } from './cpu-stat.ts';
import type { Hierarchy } from './hierarchy.ts';
import { KeptFile } from './kept-file.ts';
import { pressureFiles, readPressureFiles } from './pressure-files.ts';
import type { PressureFiles } from './pressure-files.ts';
import { readInto, readValue } from './reading.ts';
import type { Tally } from './reading.ts';
import type { Sample } from './sample.ts';
import { parseLimitV1 } from './single-value.ts';
import type { CgroupReader } from './unified-files.ts';
import { parseV1Blkio } from './v1-blkio.ts';
import { parseV1CpuStat } from './v1-cpu-stat.ts';
import { parseV1MemoryStat } from './v1-memory-stat.ts';
import { parseV1OomControl } from './v1-oom-control.ts';

/** Every file by what it says. */
function openFiles(hierarchy: Hierarchy, cgroup: string) {
  const file = (controller: 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'io' | 'core', name: string): KeptFile =>
    new KeptFile(hierarchy.path(controller, cgroup), name);
  return {
    cpuStat: file('core', 'cpu.stat'),
    cpuUsage: file('cpuacct', 'cpuacct.usage'),
    throttling: file('cpu', 'cpu.stat'),
    cpuQuota: file('cpu', 'cpu.cfs_quota_us'),
    cpuPeriod: file('cpu', 'cpu.cfs_period_us'),
    memoryUsage: file('memory', 'memory.usage_in_bytes'),
    memoryLimit: file('memory', 'memory.limit_in_bytes'),
    memoryMaxUsage: file('memory', 'memory.max_usage_in_bytes'),
    memoryStat: file('memory', 'memory.stat'),
    oomControl: file('memory', 'memory.oom_control'),
    limitHits: file('memory', 'memory.failcnt'),
    pids: file('pids', 'pids.current'),
    io: file('io', 'blkio.throttle.io_service_bytes_recursive'),
  };
}

export class HybridFiles implements CgroupReader {
  readonly files: readonly KeptFile[];
  readonly #tally: Tally;
  readonly #of: Readonly<Record<keyof ReturnType<typeof openFiles>, KeptFile>>;
  readonly #pressure: PressureFiles;

  constructor(hierarchy: Hierarchy, cgroup: string, tally: Tally) {
    this.#tally = tally;
    this.#of = openFiles(hierarchy, cgroup);
    this.#pressure = pressureFiles(hierarchy.path('core', cgroup));
    this.files = [...Object.values(this.#of), ...Object.values(this.#pressure)];
  }

  readFast(sample: Sample): void {
    this.#readCpu(sample);
    sample.memoryCurrentBytes = readValue(this.#of.memoryUsage, this.#tally);
    readInto(this.#of.oomControl, this.#tally, parseV1OomControl, sample);
    sample.eventsMax = readValue(this.#of.limitHits, this.#tally);
  }

  readPressure(sample: Sample): void {
    readPressureFiles(this.#pressure, this.#tally, sample);
  }

  readSlow(sample: Sample): void {
    this.readMemoryStat(sample);
    readInto(this.#of.io, this.#tally, parseV1Blkio, sample);
    sample.pids = readValue(this.#of.pids, this.#tally);
    sample.memoryPeakBytes = readValue(this.#of.memoryMaxUsage, this.#tally);
    this.readLimits(sample);
  }

  readLimits(sample: Sample): void {
    sample.memoryLimitBytes = readValue(this.#of.memoryLimit, this.#tally, parseLimitV1);
    sample.cpuQuotaUs = readValue(this.#of.cpuQuota, this.#tally, parseLimitV1);
    sample.cpuPeriodUs = readValue(this.#of.cpuPeriod, this.#tally);
  }

  readMemoryStat(sample: Sample): void {
    readInto(this.#of.memoryStat, this.#tally, parseV1MemoryStat, sample);
  }

  /** cgroup2's cpu.stat has µs and the user/system split; cpuacct.usage (ns) only stands in. Throttling overwrites what cgroup2 has not. */
  #readCpu(sample: Sample): void {
    readInto(this.#of.cpuStat, this.#tally, parseCpuStat, sample);
    if (Number.isNaN(sample.cpuUsageUs)) {
      sample.cpuUsageUs = Math.floor(readValue(this.#of.cpuUsage, this.#tally) / 1000);
    }
    readInto(this.#of.throttling, this.#tally, parseV1CpuStat, sample);
  }
}
