// Keeps the agent's code in memory while the node runs out of it: under pressure, without swap, the kernel takes back program text
// first, and an agent that has to read itself from disk is late. mlock2(2) with MLOCK_ONFAULT through the optional ffi-napi, once.
// Not mlockall: V8 gives heap pages back with MADV_DONTNEED, which the kernel refuses on locked memory, and aborts (Node 20 and 24).
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Capability } from '../cgroup/capabilities.ts';

/** Pages are locked as they are touched: nothing is read in for it. */
const MLOCK_ONFAULT = 1;

export interface Mapping {
  readonly start: number;
  readonly bytes: number;
}

/** libc's mlock2 and the error number that it left. */
export interface LockMemory {
  mlock2(start: number, bytes: number, flags: number): number;
  errno(): number;
}

/** @param load throws where ffi-napi or mlock2 is not there */
export function lockProgramText(procRoot = '/proc', load: () => LockMemory = fromLibc): Capability {
  let libc: LockMemory;
  let mappings: readonly Mapping[];
  try {
    libc = load();
    mappings = programText(readFileSync(`${procRoot}/self/maps`, 'latin1'));
  } catch (err) {
    return missing(`ffi-napi can't be used: ${firstLine(err)}: install the optional dependencies`);
  }
  for (const { start, bytes } of mappings) {
    if (libc.mlock2(start, bytes, MLOCK_ONFAULT) !== 0) return missing(causeOf(libc.errno()));
  }
  return { name: 'memory_lock', available: true, cause: '' };
}

/** Mappings of files that nobody writes to: code and constants of node, its libraries and addons. */
export function programText(maps: string): readonly Mapping[] {
  return maps.split('\n').flatMap((line) => {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ [1-9]\d*\s+\//.exec(line) ?? [];
    if (from === undefined || to === undefined) return [];
    const start = Number.parseInt(from, 16);
    return [{ start, bytes: Number.parseInt(to, 16) - start }];
  });
}

function missing(cause: string): Capability {
  return { name: 'memory_lock', available: false, cause };
}

function causeOf(errno: number): string {
  const known: Readonly<Record<number, string>> = {
    1: 'not permitted: add IPC_LOCK to the container’s securityContext.capabilities.add',
    11: 'some pages could not be locked: the node is short of memory already',
    12: 'the limit of locked memory is too low: add IPC_LOCK, or raise the container’s memlock limit',
    22: 'this kernel has no mlock2: it needs Linux 4.4',
  };
  return known[errno] ?? `mlock2 failed with error ${errno}`;
}

interface Ffi {
  Library(
    name: null,
    functions: Readonly<Record<string, readonly [string, readonly string[]]>>,
  ): Pick<LockMemory, 'mlock2'>;
  errno(): number;
}

function fromLibc(): LockMemory {
  const ffi = createRequire(import.meta.url)('ffi-napi') as Ffi;
  const { mlock2 } = ffi.Library(null, { mlock2: ['int', ['ulong', 'ulong', 'int']] });
  return { mlock2, errno: () => ffi.errno() };
}

function firstLine(err: unknown): string {
  return (err as Error).message.split('\n')[0]!;
}
