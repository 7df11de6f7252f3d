// What the kernel says of its own accord, brought to the sampler: a container that it speaks of is read and judged at once, not with
// the next tick. Without eBPF, PSI triggers or memory.events the ticks go on as they are.
import type { Capability } from './cgroup/capabilities.ts';
import type { FoundCgroup } from './cgroup/discovery.ts';
import type { Hierarchy } from './cgroup/hierarchy.ts';
import type { SignalLog } from './debug/signal-log.ts';
import type { HookFigures } from './signal-metrics.ts';
import type { Roster } from './store/roster.ts';
import type { Row, RowFiles } from './store/row.ts';
import type { Clock } from './runtime/clock.ts';
import { createBudget } from './signals/budget.ts';
import type { Attended } from './sampler.ts';
import type { KernelWord } from './shortage/evidence.ts';
import { KernelFiles } from './signals/kernel-files.ts';
import type { Signal } from './signals/signal.ts';
import { SignalSources } from './signals/sources.ts';
import type { SourceParts } from './signals/sources.ts';

export interface KernelSignalsParts {
  readonly hierarchy: Hierarchy;
  readonly clock: Clock;
  readonly roster: Roster;
  readonly signals: SignalLog;
  /** Reads and judges the row now. @returns when it should be heard of again */
  readonly attend: (row: Row, said?: KernelWord) => Attended;
  /** A cgroup was made or removed. @param path below the cgroup2 mount */
  readonly onLife?: (path: string) => void;
  /** From the kernel's own instant to here, ms. */
  readonly onSignal?: (kind: string, delayMs: number) => void;
  /** For tests. */
  readonly native?: SourceParts['native'];
}

export interface KernelSignals {
  readonly capabilities: () => readonly Capability[];
  /** What the addon does beside signals; undefined without it. */
  readonly native: SignalSources['native'];
  /** Signals by kind since the start. */
  readonly counts: ReadonlyMap<string, number>;
  /** Events that each program sent, held back and lost. */
  readonly hooks: () => readonly HookFigures[];
  /** The files of a cgroup with what the kernel tells of it beside them. */
  files(path: string, files: RowFiles): RowFiles;
  found(cgroup: FoundCgroup): void;
  gone(path: string): void;
  /** To be called each second: memory.events of a container that is read closely is heard once until then. */
  rearm(): void;
  close(): void;
}

/** The page shows one signal of a kind and cgroup in this time: a storm is one line. */
const SHOWN_EACH_MS = 1000;
const MOST_REMEMBERED = 4096;
/** A container that reads files fires memory.events without end: it is read for them no more often than this. */
const ATTENDED_EACH_MS = 100;
/** And while what it needs is far from its limit: a leak that begins there is found before two ticks could tell it. */
const FAR_EACH_MS = 300;
/** All containers together: a reading is 0.1 ms or so. Beyond it they wait for the next tick, or for their close watch. */
const EVENTS_ATTENDED_PER_S = 200;
const WORDS_ATTENDED_PER_S = 400;
const BIRTHS_HEARD_PER_S = 200;
/** Of a pod's limit may be held by others than the container whose limit it is: with more, a higher limit of its own would not help. */
const MOST_ELSEWHERE = 1 / 8;
/** These say that memory runs short: waiting for the next tick could be too late. */
const URGENT: ReadonlySet<Signal['kind']> = new Set(['memory-alarm', 'oom-begin', 'oom-victim', 'memory-events']);

export function createKernelSignals(parts: KernelSignalsParts): KernelSignals {
  const { hierarchy, clock, roster, signals, attend, onLife, native } = parts;
  const counts = new Map<string, number>();
  const shown = createShown();
  const attendedAtMs = new WeakMap<Row, number>();
  const budgets = { events: createBudget(EVENTS_ATTENDED_PER_S), words: createBudget(WORDS_ATTENDED_PER_S), births: createBudget(BIRTHS_HEARD_PER_S) }; // prettier-ignore
  const onSignal = (signal: Signal): void => {
    const { kind, cgroup, atBootMs } = signal;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    parts.onSignal?.(kind, clock.bootTimeMs() - atBootMs);
    const row = roster.at(cgroup);
    const meant = row && meantBy(signal, row, roster);
    const sinceMs = atBootMs - (meant === undefined ? NaN : (attendedAtMs.get(meant) ?? -Infinity));
    const event = kind === 'memory-events';
    let again: Attended = 'soon';
    if (
      meant &&
      URGENT.has(kind) &&
      (!event || sinceMs >= ATTENDED_EACH_MS) &&
      budgets[event ? 'events' : 'words'](atBootMs)
    ) {
      attendedAtMs.set(meant, atBootMs);
      again = attend(meant, wordOf(signal, meant));
    }
    // Nobody looks at it between the ticks: it has to be heard again before the next one.
    if (event && again !== 'tick') (again === 'soon' ? soon : later).act();
    if (!shown(`${kind} ${cgroup}`, atBootMs)) return;
    const atWallMs = clock.wallTimeMs() - (clock.bootTimeMs() - atBootMs);
    const resource = kind === 'throttle' || (kind === 'stall' && signal.resource === 'cpu') ? 'cpu' : 'memory';
    signals.note({ atBootMs, atWallMs, ref: row?.identity.ref ?? -1, kind, resource, text: signalText(signal) });
  };
  const soon = createSoon(ATTENDED_EACH_MS, () => sources.rearm());
  const later = createSoon(FAR_EACH_MS, () => sources.rearm());
  const sources = new SignalSources({
    hierarchy,
    clock,
    onSignal,
    onLife: ({ path, atBootMs }) => budgets.births(atBootMs) && onLife?.(path),
    ...(native === undefined ? {} : { native }),
  });
  return {
    capabilities: () => sources.capabilities,
    native: sources.native,
    counts,
    hooks: () => [...sources.counts()].map(([hook, figures]) => ({ hook, ...figures })),
    files: (path, files) => new KernelFiles(files, path, sources),
    found: ({ path, kind }) => {
      if (kind === 'container' || kind === 'pod') sources.track(path, kind);
    },
    gone: (path) => sources.untrack(path),
    rearm: () => sources.rearm(),
    close: () => {
      soon.close();
      later.close();
      sources.close();
    },
  };
}

/** Acts once, a while after it was asked to, however often. */
function createSoon(afterMs: number, act: () => void): { act(): void; close(): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    act() {
      timer ??= setTimeout(() => {
        timer = undefined;
        act();
      }, afterMs).unref();
    },
    close: () => clearTimeout(timer),
  };
}

/** @returns whether a signal is to be shown, by its key: the first in a while */
function createShown(): (key: string, atBootMs: number) => boolean {
  const shownAtMs = new Map<string, number>();
  return (key, atBootMs) => {
    if (atBootMs - (shownAtMs.get(key) ?? -Infinity) < SHOWN_EACH_MS) return false;
    if (shownAtMs.size >= MOST_REMEMBERED) shownAtMs.clear();
    shownAtMs.set(key, atBootMs);
    return true;
  };
}

/**
 * The container that a signal is about. A pod of one container has that container's limit, and meets it first: the pod's own overhead
 * and its pause container count in it too.
 */
function meantBy(signal: Signal, row: Row, roster: Roster): Row {
  if (signal.kind !== 'oom-begin' || row.identity.kind !== 'pod') return row;
  const { limitBytes } = signal;
  const containers = roster
    .rows()
    .filter(({ identity }) => identity.kind === 'container' && identity.podUid === row.identity.podUid);
  const limited = containers.filter(({ sample }) => sample.memoryLimitBytes === limitBytes);
  const others = containers.filter((each) => each !== limited[0]);
  const elsewhere = others.reduce((sum, { sample }) => sum + sample.memoryCurrentBytes, 0);
  return limited.length === 1 && elsewhere <= limitBytes * MOST_ELSEWHERE ? limited[0]! : row;
}

/** A limit that a container sets on what it nests below itself is none of ours: no resize could lift it. */
function wordOf(signal: Signal, row: Row): KernelWord | undefined {
  if (signal.kind === 'memory-alarm') return 'alarm';
  return signal.kind === 'oom-begin' && signal.limitBytes === row.sample.memoryLimitBytes ? 'oom' : undefined;
}

/** One sentence for people. */
function signalText(signal: Signal): string {
  switch (signal.kind) {
    case 'memory-alarm':
      return 'memory charged close to the limit, page cache not counted';
    case 'oom-begin':
      return 'out of memory: the kernel looks for a victim';
    case 'oom-victim':
      return `process ${signal.pid} was killed for want of memory, it held ${Math.round(signal.anonBytes / 2 ** 20)} MiB`;
    case 'memory-events':
      return 'memory.events changed';
    case 'throttle':
      return 'stopped until its next CPU period';
    case 'stall':
      return `tasks wait for ${signal.resource}`;
  }
}
