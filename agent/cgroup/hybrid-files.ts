// The files of one cgroup where controllers sit in cgroup v1 (Documentation/admin-guide/cgroup-v1/): the v1 counterpart of each
// cgroup2 file, in cgroup2's units. Pressure and, where the cgroup exists there, CPU usage still come from cgroup2. 16 files kept open.
import type { CgroupFileLayout } from './cgroup-layout.ts';
import { parseCpuUsage } from './cpu-stat.ts';
import { bitsOf } from './kept-files.ts';
import { readCpuPressure, readPressureFiles } from './pressure-files.ts';
import { readInto, readValue } from './reading.ts';
import { parseLimitV1 } from './single-value.ts';
import { parseV1Blkio } from './v1-blkio.ts';
import { parseV1CpuStat } from './v1-cpu-stat.ts';
import { parseV1MemoryStat } from './v1-memory-stat.ts';
import { parseV1OomControl } from './v1-oom-control.ts';

const CPU_STAT = 0;
const CPU_USAGE = 1;
const THROTTLING = 2;
const MEMORY_USAGE = 3;
const OOM_CONTROL = 4;
const LIMIT_HITS = 5;
const PRESSURE = 6;
const MEMORY_STAT = 9;
const IO = 10;
const PIDS = 11;
const MEMORY_MAX_USAGE = 12;
const MEMORY_LIMIT = 13;
const CPU_QUOTA = 14;
const CPU_PERIOD = 15;

export const HYBRID_FILES: CgroupFileLayout = {
  places: [
    ['core', 'cpu.stat'],
    ['cpuacct', 'cpuacct.usage'],
    ['cpu', 'cpu.stat'],
    ['memory', 'memory.usage_in_bytes'],
    ['memory', 'memory.oom_control'],
    ['memory', 'memory.failcnt'],
    ['core', 'cpu.pressure'],
    ['core', 'memory.pressure'],
    ['core', 'io.pressure'],
    ['memory', 'memory.stat'],
    ['io', 'blkio.throttle.io_service_bytes_recursive'],
    ['pids', 'pids.current'],
    ['memory', 'memory.max_usage_in_bytes'],
    ['memory', 'memory.limit_in_bytes'],
    ['cpu', 'cpu.cfs_quota_us'],
    ['cpu', 'cpu.cfs_period_us'],
  ],

  bits: {
    usage: bitsOf([CPU_STAT, MEMORY_USAGE]),
    throttling: bitsOf([THROTTLING]),
    events: bitsOf([OOM_CONTROL, LIMIT_HITS]),
    pressure: bitsOf([PRESSURE, PRESSURE + 1, PRESSURE + 2]),
    cpuPressure: bitsOf([PRESSURE]),
    outside: bitsOf([IO, PIDS]),
    rest: bitsOf([MEMORY_MAX_USAGE]),
    limits: bitsOf([MEMORY_LIMIT, CPU_QUOTA, CPU_PERIOD]),
    memoryStat: bitsOf([MEMORY_STAT]),
  },

  /** cgroup2's cpu.stat has µs and the user/system split; cpuacct.usage (ns) only stands in. */
  readUsage(files, sample) {
    readInto(files, CPU_STAT, parseCpuUsage, sample);
    if (Number.isNaN(sample.cpuUsageUs)) sample.cpuUsageUs = Math.floor(readValue(files, CPU_USAGE) / 1000);
    sample.memoryCurrentBytes = readValue(files, MEMORY_USAGE);
  },

  readThrottling(files, sample) {
    readInto(files, THROTTLING, parseV1CpuStat, sample);
  },

  readEvents(files, sample) {
    readInto(files, OOM_CONTROL, parseV1OomControl, sample);
    sample.eventsMax = readValue(files, LIMIT_HITS);
  },

  readPressure(files, sample) {
    readPressureFiles(files, PRESSURE, sample);
  },

  readCpuPressure(files, sample) {
    readCpuPressure(files, PRESSURE, sample);
  },

  readOutside(files, sample) {
    readInto(files, IO, parseV1Blkio, sample);
    sample.pids = readValue(files, PIDS);
  },

  readRest(files, sample) {
    sample.memoryPeakBytes = readValue(files, MEMORY_MAX_USAGE);
  },

  readLimits(files, sample) {
    sample.memoryLimitBytes = readValue(files, MEMORY_LIMIT, parseLimitV1);
    sample.cpuQuotaUs = readValue(files, CPU_QUOTA, parseLimitV1);
    sample.cpuPeriodUs = readValue(files, CPU_PERIOD);
  },

  readMemoryStat(files, sample) {
    readInto(files, MEMORY_STAT, parseV1MemoryStat, sample);
  },
};
