// /proc/meminfo (Documentation/filesystems/proc.rst), read as bytes.
import { keySet, readFlatKeyed } from '../cgroup/flat-keyed.ts';

const KEYS = keySet(
  [
    'MemTotal:',
    'Buffers:',
    'Cached:',
    'SwapCached:',
    'Active(file):',
    'Inactive(file):',
    'SwapTotal:',
    'SwapFree:',
    'AnonPages:',
    'Shmem:',
  ],
  { kilobytes: true },
);
const values = new Float64Array(KEYS.keys.length);

/** Reused from reading to reading. NaN: no such line, or malformed. */
export interface Meminfo {
  memTotalBytes: number;
  buffersBytes: number;
  cachedBytes: number;
  swapCachedBytes: number;
  activeFileBytes: number;
  inactiveFileBytes: number;
  swapTotalBytes: number;
  swapFreeBytes: number;
  anonPagesBytes: number;
  shmemBytes: number;
}

export function emptyMeminfo(): Meminfo {
  return {
    memTotalBytes: NaN,
    buffersBytes: NaN,
    cachedBytes: NaN,
    swapCachedBytes: NaN,
    activeFileBytes: NaN,
    inactiveFileBytes: NaN,
    swapTotalBytes: NaN,
    swapFreeBytes: NaN,
    anonPagesBytes: NaN,
    shmemBytes: NaN,
  };
}

/** @returns how many lines were malformed */
export function parseMeminfo(buffer: Uint8Array, length: number, meminfo: Meminfo): number {
  const malformed = readFlatKeyed(buffer, length, KEYS, values);
  meminfo.memTotalBytes = values[0]!;
  meminfo.buffersBytes = values[1]!;
  meminfo.cachedBytes = values[2]!;
  meminfo.swapCachedBytes = values[3]!;
  meminfo.activeFileBytes = values[4]!;
  meminfo.inactiveFileBytes = values[5]!;
  meminfo.swapTotalBytes = values[6]!;
  meminfo.swapFreeBytes = values[7]!;
  meminfo.anonPagesBytes = values[8]!;
  meminfo.shmemBytes = values[9]!;
  return malformed;
}
