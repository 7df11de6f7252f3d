// The machine's totals as the kubelet computes them for the root cgroup: usage = root memory.stat anon + file (cgroup2 has no
// root memory.current), working set = usage − inactive_file; on hybrid v1's memory.usage_in_bytes. /proc stands in for what is missing.
import { parseCpuStat } from '../cgroup/cpu-stat.ts';
import type { Hierarchy } from '../cgroup/hierarchy.ts';
import { parseIoStat } from '../cgroup/io-stat.ts';
import { KeptFiles, bitsOf } from '../cgroup/kept-files.ts';
import { PRESSURE_RESOURCES, readPressureFiles } from '../cgroup/pressure-files.ts';
import { readInto, readValue } from '../cgroup/reading.ts';
import type { ReadOutcome } from '../cgroup/reading.ts';
import type { Sample } from '../cgroup/sample.ts';
import { parseV1Blkio } from '../cgroup/v1-blkio.ts';
import { parseV1MemoryStat } from '../cgroup/v1-memory-stat.ts';
import { parseLoadavg } from './loadavg.ts';
import { emptyMeminfo, parseMeminfo } from './meminfo.ts';
import type { Meminfo } from './meminfo.ts';
import { emptyProcStat, parseProcStat } from './proc-stat.ts';
import { parseRootMemoryStat } from './root-memory-stat.ts';
import { parseVmstat } from './vmstat.ts';

/** The node's CPUs as a quota: so many periods' worth a period. */
const PERIOD_US = 100_000;
/** CPUs go on- and offline rarely, and /proc/stat is long on big machines. */
const COUNT_CPUS_EVERY = 60;

const CPU_STAT = 0;
const MEMORY_STAT = 1;
const V1_MEMORY_USAGE = 2;
const IO = 3;
const MEMINFO = 4;
const PROC_STAT = 5;
const VMSTAT = 6;
const LOADAVG = 7;
const PRESSURE = 8;
const EACH_TIME = bitsOf([CPU_STAT, MEMORY_STAT, IO, MEMINFO, VMSTAT, LOADAVG, PRESSURE, PRESSURE + 1, PRESSURE + 2]);

/** By the numbers above. */
function pathsOf(procRoot: string, hierarchy: Hierarchy): readonly string[] {
  const memory = hierarchy.isV1('memory') ? hierarchy.path('memory', '') : hierarchy.root;
  return [
    `${hierarchy.root}/cpu.stat`,
    `${memory}/memory.stat`,
    `${memory}/memory.usage_in_bytes`,
    hierarchy.isV1('io')
      ? `${hierarchy.path('io', '')}/blkio.throttle.io_service_bytes_recursive`
      : `${hierarchy.root}/io.stat`,
    `${procRoot}/meminfo`,
    `${procRoot}/stat`,
    `${procRoot}/vmstat`,
    `${procRoot}/loadavg`,
    ...PRESSURE_RESOURCES.map((resource) => `${procRoot}/pressure/${resource}`),
  ];
}

export class NodeFiles {
  readonly #files: KeptFiles;
  readonly #parseIo: typeof parseIoStat;
  readonly #v1Memory: boolean;
  readonly #meminfo = emptyMeminfo();
  readonly #procStat = emptyProcStat();
  #readings = 0;

  /** @param procRoot /proc, or where the host's is mounted */
  constructor(procRoot: string, hierarchy: Hierarchy) {
    const paths = pathsOf(procRoot, hierarchy);
    this.#files = new KeptFiles(paths.length, (file) => paths[file]!);
    this.#parseIo = hierarchy.isV1('io') ? parseV1Blkio : parseIoStat;
    this.#v1Memory = hierarchy.isV1('memory');
  }

  /** Refused files and malformed lines since the start. */
  get problems(): number {
    return this.#files.problems;
  }

  /** Everything at once: one row a node. Never 'gone'. @param atBootMs instant of the reading, CLOCK_BOOTTIME */
  read(sample: Sample, atBootMs: number): ReadOutcome {
    const files = this.#files;
    const before = files.problems;
    sample.atBootMs = atBootMs;
    files.readAhead(EACH_TIME);
    this.#readCpu(sample);
    readInto(files, MEMINFO, parseMeminfo, this.#meminfo);
    this.#readMemory(sample);
    readPressureFiles(files, PRESSURE, sample);
    readInto(files, IO, this.#parseIo, sample);
    readInto(files, VMSTAT, parseVmstat, sample);
    readInto(files, LOADAVG, parseLoadavg, sample);
    this.#readings++;
    return files.problems > before ? 'partial' : 'ok';
  }

  close(): void {
    this.#files.close();
  }

  #readCpu(sample: Sample): void {
    readInto(this.#files, CPU_STAT, parseCpuStat, sample);
    const standIn = Number.isNaN(sample.cpuUsageUs);
    if (standIn || this.#readings % COUNT_CPUS_EVERY === 0) {
      readInto(this.#files, PROC_STAT, parseProcStat, this.#procStat);
    }
    if (standIn) {
      sample.cpuUsageUs = this.#procStat.usageUs;
      sample.cpuUserUs = this.#procStat.userUs;
      sample.cpuSystemUs = this.#procStat.systemUs;
    }
    sample.cpuQuotaUs = this.#procStat.onlineCpus * PERIOD_US;
    sample.cpuPeriodUs = PERIOD_US;
  }

  #readMemory(sample: Sample): void {
    if (this.#v1Memory) {
      sample.memoryCurrentBytes = readValue(this.#files, V1_MEMORY_USAGE);
      readInto(this.#files, MEMORY_STAT, parseV1MemoryStat, sample);
    } else {
      readInto(this.#files, MEMORY_STAT, parseRootMemoryStat, sample);
    }
    fillFromMeminfo(sample, this.#meminfo);
  }
}

/** The same sums from the machine's page counters where no memory controller counts them. */
function fillFromMeminfo(sample: Sample, meminfo: Meminfo): void {
  sample.memoryLimitBytes = meminfo.memTotalBytes;
  // A node without swap has none to tell of, as the kubelet sees it.
  sample.swapBytes = meminfo.swapTotalBytes > 0 ? meminfo.swapTotalBytes - meminfo.swapFreeBytes : NaN;
  if (!Number.isNaN(sample.memoryCurrentBytes) && !Number.isNaN(sample.inactiveFileBytes)) return;
  sample.memoryCurrentBytes =
    meminfo.anonPagesBytes + meminfo.cachedBytes + meminfo.buffersBytes + meminfo.swapCachedBytes;
  sample.anonBytes = meminfo.anonPagesBytes;
  sample.shmemBytes = meminfo.shmemBytes;
  sample.activeFileBytes = meminfo.activeFileBytes;
  sample.inactiveFileBytes = meminfo.inactiveFileBytes;
}
