// The machine's totals as the kubelet computes them for the root cgroup: usage = root memory.stat anon + file (cgroup2 has no
// root memory.current), working set = usage − inactive_file; on hybrid v1's memory.usage_in_bytes. /proc stands in for what is missing.
import { parseCpuStat } from '../cgroup/cpu-stat.ts';
import type { Hierarchy } from '../cgroup/hierarchy.ts';
import { parseIoStat } from '../cgroup/io-stat.ts';
import { KeptFile } from '../cgroup/kept-file.ts';
import { pressureFiles, readPressureFiles } from '../cgroup/pressure-files.ts';
import { readInto, readValue } from '../cgroup/reading.ts';
import type { ReadOutcome, Tally } from '../cgroup/reading.ts';
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

function openFiles(procRoot: string, hierarchy: Hierarchy) {
  const v1Memory = hierarchy.isV1('memory') ? hierarchy.path('memory', '') : undefined;
  return {
    cpuStat: new KeptFile(hierarchy.root, 'cpu.stat'),
    memoryStat: new KeptFile(v1Memory ?? hierarchy.root, 'memory.stat'),
    v1MemoryUsage: v1Memory === undefined ? undefined : new KeptFile(v1Memory, 'memory.usage_in_bytes'),
    io: hierarchy.isV1('io')
      ? new KeptFile(hierarchy.path('io', ''), 'blkio.throttle.io_service_bytes_recursive')
      : new KeptFile(hierarchy.root, 'io.stat'),
    meminfo: new KeptFile(procRoot, 'meminfo'),
    procStat: new KeptFile(procRoot, 'stat'),
    vmstat: new KeptFile(procRoot, 'vmstat'),
    loadavg: new KeptFile(procRoot, 'loadavg'),
  };
}

export class NodeFiles {
  readonly #files: ReturnType<typeof openFiles>;
  readonly #pressure: ReturnType<typeof pressureFiles>;
  readonly #parseIo: typeof parseIoStat;
  readonly #tally: Tally = { problems: 0, vanished: false };
  readonly #meminfo = emptyMeminfo();
  readonly #procStat = emptyProcStat();
  #readings = 0;

  /** @param procRoot /proc, or where the host's is mounted */
  constructor(procRoot: string, hierarchy: Hierarchy) {
    this.#files = openFiles(procRoot, hierarchy);
    this.#parseIo = hierarchy.isV1('io') ? parseV1Blkio : parseIoStat;
    this.#pressure = pressureFiles(`${procRoot}/pressure`, '');
  }

  /** Refused files and malformed lines since the start. */
  get problems(): number {
    return this.#tally.problems;
  }

  /** Everything at once: one row a node. Never 'gone'. @param atBootMs instant of the reading, CLOCK_BOOTTIME */
  read(sample: Sample, atBootMs: number): ReadOutcome {
    const before = this.#tally.problems;
    sample.atBootMs = atBootMs;
    this.#readCpu(sample);
    readInto(this.#files.meminfo, this.#tally, parseMeminfo, this.#meminfo);
    this.#readMemory(sample);
    readPressureFiles(this.#pressure, this.#tally, sample);
    readInto(this.#files.io, this.#tally, this.#parseIo, sample);
    readInto(this.#files.vmstat, this.#tally, parseVmstat, sample);
    readInto(this.#files.loadavg, this.#tally, parseLoadavg, sample);
    this.#readings++;
    this.#tally.vanished = false;
    return this.#tally.problems > before ? 'partial' : 'ok';
  }

  close(): void {
    for (const file of [...Object.values(this.#files), ...Object.values(this.#pressure)]) file?.close();
  }

  #readCpu(sample: Sample): void {
    readInto(this.#files.cpuStat, this.#tally, parseCpuStat, sample);
    const standIn = Number.isNaN(sample.cpuUsageUs);
    if (standIn || this.#readings % COUNT_CPUS_EVERY === 0) {
      readInto(this.#files.procStat, this.#tally, parseProcStat, this.#procStat);
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
    const { memoryStat, v1MemoryUsage } = this.#files;
    if (v1MemoryUsage) {
      sample.memoryCurrentBytes = readValue(v1MemoryUsage, this.#tally);
      readInto(memoryStat, this.#tally, parseV1MemoryStat, sample);
    } else {
      readInto(memoryStat, this.#tally, parseRootMemoryStat, sample);
    }
    fillFromMeminfo(sample, this.#meminfo);
  }
}

/** The same sums from the machine's page counters where no memory controller counts them. */
function fillFromMeminfo(sample: Sample, meminfo: Meminfo): void {
  sample.memoryLimitBytes = meminfo.memTotalBytes;
  sample.swapBytes = meminfo.swapTotalBytes - meminfo.swapFreeBytes;
  if (!Number.isNaN(sample.memoryCurrentBytes) && !Number.isNaN(sample.inactiveFileBytes)) return;
  sample.memoryCurrentBytes =
    meminfo.anonPagesBytes + meminfo.cachedBytes + meminfo.buffersBytes + meminfo.swapCachedBytes;
  sample.anonBytes = meminfo.anonPagesBytes;
  sample.shmemBytes = meminfo.shmemBytes;
  sample.activeFileBytes = meminfo.activeFileBytes;
  sample.inactiveFileBytes = meminfo.inactiveFileBytes;
}
