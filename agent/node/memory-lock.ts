// Keeps the agent's code in memory while the node runs out of it: under pressure, without swap, the kernel takes back program text
// first, and an agent that has to read itself from disk is late. mlock2(2) with MLOCK_ONFAULT, once, through the addon, or else through
// the optional ffi-napi, which takes 8 MB in a bare process.
// Not mlockall: V8 gives heap pages back with MADV_DONTNEED, which the kernel refuses on locked memory, and aborts (Node 20 and 24).
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Capability } from '../cgroup/capabilities.ts';

/** Pages are locked as they are touched: nothing is read in for it. */
const MLOCK_ONFAULT = 1;
/** CAP_IPC_LOCK in a capability mask. */
const IPC_LOCK = 1n << 14n;
const ENOMEM = 12;

export interface Mapping {
  readonly start: number;
  readonly bytes: number;
}

/** Locks a mapping's pages as they are touched. @returns 0, or the error number */
export type LockMemory = (start: number, bytes: number) => number;

/**
 * @param lock the addon's, where it was built
 * @param load what does it otherwise, and costs memory; throws where ffi-napi or mlock2 is not there
 */
export function lockProgramText(procRoot = '/proc', lock?: LockMemory, load: () => LockMemory = fromLibc): Capability {
  let lockMemory = lock;
  let mappings: readonly Mapping[];
  try {
    mappings = programText(readFileSync(`${procRoot}/self/maps`, 'latin1'));
    if (!lockMemory && !mayLock(procRoot, mappings)) return missing(causeOf(ENOMEM));
    lockMemory ??= load();
  } catch (err) {
    return missing(`ffi-napi can't be used: ${firstLine(err)}: install the optional dependencies`);
  }
  for (const { start, bytes } of mappings) {
    const errno = lockMemory(start, bytes);
    if (errno !== 0) return missing(causeOf(errno));
  }
  return { name: 'memory_lock', available: true, cause: '' };
}

/** What mlock(2) will ask for: the capability, or a limit that all of it stays within. */
function mayLock(procRoot: string, mappings: readonly Mapping[]): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync(`${procRoot}/self/status`, 'latin1'))?.[1] ?? '0';
  if ((BigInt(`0x${effective}`) & IPC_LOCK) !== 0n) return true;
  const limit = /^Max locked memory\s+(\S+)/m.exec(readFileSync(`${procRoot}/self/limits`, 'latin1'))?.[1];
  return limit === 'unlimited' || Number(limit) >= mappings.reduce((sum, { bytes }) => sum + bytes, 0);
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
    [ENOMEM]: 'the limit of locked memory is too low: add IPC_LOCK, or raise the container’s memlock limit',
    22: 'this kernel has no mlock2: it needs Linux 4.4',
  };
  return known[errno] ?? `mlock2 failed with error ${errno}`;
}

interface Ffi {
  Library(
    name: null,
    functions: Readonly<Record<string, readonly [string, readonly string[]]>>,
  ): { readonly mlock2: (start: number, bytes: number, flags: number) => number };
  errno(): number;
}

function fromLibc(): LockMemory {
  const ffi = createRequire(import.meta.url)('ffi-napi') as Ffi;
  const { mlock2 } = ffi.Library(null, { mlock2: ['int', ['ulong', 'ulong', 'int']] });
  return (start, bytes) => (mlock2(start, bytes, MLOCK_ONFAULT) === 0 ? 0 : ffi.errno());
}

function firstLine(err: unknown): string {
  return (err as Error).message.split('\n')[0]!;
}
