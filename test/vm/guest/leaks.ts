// Leaks of 100 MiB/s without memory.high, one after the other, watched by two agents at once: one with eBPF, one without, which has inotify,
// PSI triggers and its counters. Then a container that only reads files.
import { spawn } from 'node:child_process';
import { rmSync, rmdirSync, statSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadAddon } from '../../../native/addon.ts';
import { openNative } from '../../../native/index.ts';
import type { Attempt, Native } from '../../../native/index.ts';
import { keyed, makeContainer } from './cgroup.ts';
import { receivePushes } from './pushes.ts';
import type { Pushed, PushReceiver } from './pushes.ts';
import { progress, result } from './say.ts';
import { pause, until } from './until.ts';
import { startAgent } from './watching-agent.ts';

const ADDON = 'file:///headroom/build/Release/headroom.node';
const WORKLOAD = '/headroom/dist/test/vm/guest/workload.js';
const LEAK = '/headroom/bin/leak';
export const LEAKS = 100;
/** Beside the one that leaks. */
const CONTAINERS = 10;
/** Alternately: seen by the ticks on its way, and so small that a tick sees it once at most. */
const LIMITS_MIB = [128, 64] as const;
const LEAK_MIB_PER_S = 100;
const READER_LIMIT_MIB = 128;
const READER_MS = 12_000;
const MIB = 2 ** 20;

export interface Leak {
  readonly limitMib: number;
  /** The alarm's own instant, and when JavaScript had it, in this process; Infinity: there was none. CLOCK_BOOTTIME. */
  readonly alarmBootMs: number;
  readonly heardBootMs: number;
  /** When the kernel first met the limit: what the charge itself said, else memory.events or the look for a victim. CLOCK_BOOTTIME. */
  readonly limitBootMs: number;
  /** The first shortage of each agent; undefined: there was none. */
  readonly bpf: Pushed | undefined;
  readonly plain: Pushed | undefined;
}

export interface LeaksReader {
  readonly limitEvents: number;
  readonly shortages: number;
}

export async function leaks(): Promise<void> {
  const native = readyOr(openNative(16, loadAddon([ADDON])));
  for (let index = 0; index < CONTAINERS; index++) makeContainer(...names('9', index));
  const [bpf, plain] = [await receivePushes(native.bootTimeMs), await receivePushes(native.bootTimeMs)];
  const agents = [
    await startAgent('bpf', 19471, true, bpf.url),
    await startAgent('plain', 19472, false, plain.url),
  ] as const;
  await pause(5000);
  progress('both agents run');
  const met = watchLimit(native);
  const all: Leak[] = [];
  for (let number = 0; number < LEAKS; number++) {
    all.push(await leak(number, met, native, bpf, plain));
    if (number % 10 === 9) progress(`${number + 1} leaks`);
  }
  result('leaks', all);
  result('reader', await reader(bpf, plain));
  result('bpf metrics', await agents[0].metrics());
  result('plain metrics', await agents[1].metrics());
  for (const agent of agents) await agent.stop();
  for (const pushes of [bpf, plain]) pushes.close();
}

interface LimitWatch {
  track(id: number): void;
  untrack(id: number): void;
  /** Instants of the first of each, Infinity: none yet. */
  metBootMs(id: number): number;
  alarmBootMs(id: number): number;
  heardBootMs(id: number): number;
}

/** The instants themselves, from programs of this process's own. */
function watchLimit(native: Native): LimitWatch {
  const [met, alarms, heard] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  const first = (of: Map<number, number>, id: number, atMs: number): void => void (of.has(id) || of.set(id, atMs));
  const hooks = [
    readyOr(
      native.openEvents('memory-alarm', {}, ({ cgroupId, atBootMs }) => {
        first(alarms, cgroupId, atBootMs);
        first(heard, cgroupId, native.bootTimeMs());
      }),
    ),
    readyOr(native.openEvents('memory-alarm', { percent: 100, check_ns: 0 }, (event) => first(met, event.cgroupId, event.atBootMs))), // prettier-ignore
    readyOr(native.openEvents('oom-begin', {}, (event) => first(met, event.cgroupId, event.atBootMs))),
  ];
  return {
    track: (id) => hooks.forEach((hook) => hook.track(id, 0)),
    untrack: (id) => hooks.forEach((hook) => hook.untrack(id)),
    metBootMs: (id) => met.get(id) ?? Infinity,
    alarmBootMs: (id) => alarms.get(id) ?? Infinity,
    heardBootMs: (id) => heard.get(id) ?? Infinity,
  };
}

async function leak(
  number: number,
  limit: LimitWatch,
  native: Native,
  bpf: PushReceiver,
  plain: PushReceiver,
): Promise<Leak> {
  const [uid, containerId] = names('7', number);
  const directory = makeContainer(uid, containerId);
  const id = statSync(directory).ino;
  const limitMib = LIMITS_MIB[number % LIMITS_MIB.length]!;
  writeFileSync(join(directory, 'memory.max'), String(limitMib * MIB));
  limit.track(id);
  let eventsBootMs = Infinity;
  const watcher = watch(join(directory, 'memory.events'), () => {
    if (keyed(directory, 'memory.events', 'max') > 0) eventsBootMs = Math.min(eventsBootMs, native.bootTimeMs());
  });
  // At another place of the second each time: between two ticks of the agents.
  const delayMs = 1200 + ((number * 137) % 1000);
  const child = spawn(LEAK, [directory, String(LEAK_MIB_PER_S), String(delayMs)], { stdio: 'ignore' });
  await until('the kill', 30_000, () => child.signalCode ?? child.exitCode ?? undefined, 10);
  await pause(150);
  watcher.close();
  limit.untrack(id);
  const first = (pushes: PushReceiver): Pushed | undefined =>
    pushes.shortages(containerId).find(({ resource }) => resource === 'memory');
  await until('both agents’ words', 1500, () => (first(bpf) && first(plain) ? true : undefined)).catch(() => undefined);
  const found = {
    limitMib,
    alarmBootMs: limit.alarmBootMs(id),
    heardBootMs: limit.heardBootMs(id),
    limitBootMs: Math.min(limit.metBootMs(id), eventsBootMs),
    bpf: first(bpf),
    plain: first(plain),
  };
  rmdirSync(directory);
  rmdirSync(dirname(directory));
  return found;
}

async function reader(bpf: PushReceiver, plain: PushReceiver): Promise<LeaksReader> {
  const [uid, containerId] = names('6', 1);
  const directory = makeContainer(uid, containerId);
  writeFileSync(join(directory, 'memory.max'), String(READER_LIMIT_MIB * MIB));
  const task = ['read', String(2 * READER_LIMIT_MIB), '/tmp/big'];
  const child = spawn(process.execPath, [WORKLOAD, directory, ...task], { stdio: 'ignore' });
  await pause(READER_MS);
  const limitEvents = keyed(directory, 'memory.events', 'max');
  child.kill('SIGKILL');
  await until('the reader’s end', 20_000, () => child.signalCode ?? undefined);
  rmSync('/tmp/big', { force: true });
  const shortages = [bpf, plain].flatMap((pushes) => pushes.shortages(containerId)).length;
  return { limitEvents, shortages };
}

function names(kind: string, number: number): [uid: string, containerId: string] {
  const digits = String(number).padStart(7, '0');
  return [`${kind}${digits}-0b1f-4a44-9d1e-5a7e9c1d0001`, `${kind}${digits}`.repeat(8)];
}

function readyOr<T>(attempt: Attempt<T>): T {
  if (attempt.kind === 'ready') return attempt.value;
  throw new Error(`${attempt.cause}: ${attempt.cure}`);
}
