// The files of one cgroup on cgroup v2 (Documentation/admin-guide/cgroup-v2.rst): 14 kept open when all controllers are on.
import type { CgroupFileLayout } from './cgroup-layout.ts';
import { parseCpuMax } from './cpu-max.ts';
import { parseCpuStat } from './cpu-stat.ts';
import { parseIoStat } from './io-stat.ts';
import { bitsOf } from './kept-files.ts';
import { parseMemoryEvents } from './memory-events.ts';
import { parseMemoryStat } from './memory-stat.ts';
import { readCpuPressure, readPressureFiles } from './pressure-files.ts';
import { readInto, readValue } from './reading.ts';

const CPU_STAT = 0;
const MEMORY_CURRENT = 1;
const MEMORY_EVENTS = 2;
const PRESSURE = 3;
const MEMORY_STAT = 6;
const IO_STAT = 7;
const PIDS_CURRENT = 8;
const SWAP_CURRENT = 9;
const MEMORY_PEAK = 10;
const MEMORY_HIGH = 11;
const MEMORY_MAX = 12;
const CPU_MAX = 13;

export const UNIFIED_FILES: CgroupFileLayout = {
  places: [
    ['core', 'cpu.stat'],
    ['core', 'memory.current'],
    ['core', 'memory.events'],
    ['core', 'cpu.pressure'],
    ['core', 'memory.pressure'],
    ['core', 'io.pressure'],
    ['core', 'memory.stat'],
    ['core', 'io.stat'],
    ['core', 'pids.current'],
    ['core', 'memory.swap.current'],
    ['core', 'memory.peak'],
    ['core', 'memory.high'],
    ['core', 'memory.max'],
    ['core', 'cpu.max'],
  ],

  bits: {
    usage: bitsOf([CPU_STAT, MEMORY_CURRENT]),
    throttling: 0,
    events: bitsOf([MEMORY_EVENTS]),
    pressure: bitsOf([PRESSURE, PRESSURE + 1, PRESSURE + 2]),
    cpuPressure: bitsOf([PRESSURE]),
    outside: bitsOf([IO_STAT, PIDS_CURRENT]),
    rest: bitsOf([SWAP_CURRENT, MEMORY_PEAK]),
    limits: bitsOf([MEMORY_HIGH, MEMORY_MAX, CPU_MAX]),
    memoryStat: bitsOf([MEMORY_STAT]),
  },

  readUsage(files, sample) {
    readInto(files, CPU_STAT, parseCpuStat, sample);
    sample.memoryCurrentBytes = readValue(files, MEMORY_CURRENT);
  },

  /** cpu.stat has it. */
  readThrottling() {},

  readEvents(files, sample) {
    readInto(files, MEMORY_EVENTS, parseMemoryEvents, sample);
  },

  readPressure(files, sample) {
    readPressureFiles(files, PRESSURE, sample);
  },

  readCpuPressure(files, sample) {
    readCpuPressure(files, PRESSURE, sample);
  },

  readOutside(files, sample) {
    readInto(files, IO_STAT, parseIoStat, sample);
    sample.pids = readValue(files, PIDS_CURRENT);
  },

  readRest(files, sample) {
    sample.swapBytes = readValue(files, SWAP_CURRENT);
    sample.memoryPeakBytes = readValue(files, MEMORY_PEAK);
  },

  readLimits(files, sample) {
    sample.memoryHighBytes = readValue(files, MEMORY_HIGH);
    sample.memoryLimitBytes = readValue(files, MEMORY_MAX);
    readInto(files, CPU_MAX, parseCpuMax, sample);
  },

  readMemoryStat(files, sample) {
    readInto(files, MEMORY_STAT, parseMemoryStat, sample);
  },
};
