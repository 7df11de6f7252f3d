// All that the kernel says of its own accord, in one place: eBPF events, PSI triggers, memory.events. Each source stands for itself;
// without any of them sampling goes on.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { openNative } from '../../native/index.ts';
import type {
  Attempt,
  HookCounts,
  HookName,
  KernelEvent,
  LifeEvent,
  Missing,
  Native,
  RunQueueDelays,
} from '../../native/index.ts';
import type { Capability } from '../cgroup/capabilities.ts';
import type { Hierarchy } from '../cgroup/hierarchy.ts';
import { inodeOf } from '../cgroup/tree-watch.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Sample } from '../cgroup/sample.ts';
import { CgroupIterator } from './cgroup-iterator.ts';
import type { FilesReading } from './cgroup-iterator.ts';
import { KernelHooks, MOST_TRACKED } from './kernel-hooks.ts';
import { MemoryEventsWatch } from './memory-events-watch.ts';
import { PsiTriggers } from './psi-triggers.ts';
import type { Signal } from './signal.ts';

export interface SourceParts {
  readonly hierarchy: Hierarchy;
  readonly clock: Clock;
  readonly onSignal: (signal: Signal) => void;
  /** A cgroup anywhere in the tree was made or removed; path as discovery names it. */
  readonly onLife: (event: LifeEvent) => void;
  /** For tests; else the addon that `npm run build:native` made, if it did. */
  readonly native?: Attempt<Native>;
  readonly sysRoot?: string;
  /** This machine's, as uname has it. */
  readonly kernel?: string;
}

export class SignalSources {
  /** What the addon does beside signals; undefined without it. */
  readonly native:
    Pick<Native, 'threadCpuMs' | 'lockMemory' | 'releaseMemory' | 'readFiles' | 'watchEntries'> | undefined;
  readonly #parts: SourceParts;
  readonly #hooks: KernelHooks;
  readonly #iterator: CgroupIterator;
  readonly #psi: PsiTriggers;
  readonly #memoryEvents: MemoryEventsWatch;
  /** By path below the mount. */
  readonly #ids = new Map<string, number>();
  readonly #paths = new Map<number, string>();

  constructor(parts: SourceParts) {
    this.#parts = parts;
    const native = parts.native ?? openNative(MOST_TRACKED);
    this.native = native.kind === 'ready' ? native.value : undefined;
    const knobs = { numa_nodes: possibleNodes(parts.sysRoot ?? '/sys') };
    this.#hooks = new KernelHooks(native, knobs, sampledRoot(parts.hierarchy), (event) => this.#onEvent(event));
    this.#iterator = new CgroupIterator(this.#hooks, parts.clock);
    const { onSignal, clock } = parts;
    this.#psi = new PsiTriggers({
      native,
      root: parts.hierarchy.path('core', ''),
      kernel: parts.kernel ?? release(),
      clock,
      onStall: (directory, resource) =>
        onSignal({ kind: 'stall', resource, cgroup: this.#below(directory), atBootMs: clock.bootTimeMs() }),
    });
    this.#memoryEvents = new MemoryEventsWatch((directory) =>
      onSignal({ kind: 'memory-events', cgroup: this.#below(directory), atBootMs: clock.bootTimeMs() }),
    );
  }

  get capabilities(): readonly Capability[] {
    const v1 = this.#parts.hierarchy.isV1('memory');
    const eventsCause = v1 ? 'the memory controller is cgroup v1’s: it has no memory.events' : this.#memoryEvents.cause;
    return [
      { name: 'memory_events', available: eventsCause === '', cause: eventsCause },
      { name: 'psi_triggers', available: this.#psi.cause === '', cause: this.#psi.cause },
      ...this.#hooks.capabilities,
    ];
  }

  track(cgroup: string, kind: 'container' | 'pod'): void {
    const directory = this.#parts.hierarchy.path('core', cgroup);
    const id = inodeOf(directory);
    if (id === 0) return;
    if (this.#ids.has(cgroup)) this.untrack(cgroup);
    this.#ids.set(cgroup, id);
    this.#paths.set(id, cgroup);
    this.#hooks.track(id);
    if (kind === 'pod') this.#psi.add(directory);
    else if (!this.#parts.hierarchy.isV1('memory')) this.#memoryEvents.add(directory);
  }

  untrack(cgroup: string): void {
    const id = this.#ids.get(cgroup);
    if (id === undefined) return;
    this.#ids.delete(cgroup);
    this.#paths.delete(id);
    this.#hooks.untrack(id);
    const directory = this.#parts.hierarchy.path('core', cgroup);
    this.#psi.remove(directory);
    this.#memoryEvents.remove(directory);
  }

  /** Lets what said its word say it again, and gives pods their triggers: to be called each second. */
  rearm(): void {
    this.#psi.settle();
    this.#memoryEvents.rearm();
  }

  /** By the iterator, from its newest walk. @returns false when the files have to be read */
  sample(cgroup: string, sample: Sample, atBootMs: number, files: FilesReading): boolean {
    const id = this.#ids.get(cgroup);
    return id !== undefined && this.#iterator.read(id, sample, atBootMs, files);
  }

  get walks(): number {
    return this.#iterator.walks;
  }

  /** Waits for a CPU since the cgroup was tracked. @returns false when they are not known */
  delays(cgroup: string, into: RunQueueDelays): boolean {
    const id = this.#ids.get(cgroup);
    return id !== undefined && this.#hooks.delays(id, into);
  }

  counts(): ReadonlyMap<HookName, HookCounts> {
    return this.#hooks.counts();
  }

  close(): void {
    this.#hooks.close();
    this.#psi.close();
    this.#memoryEvents.close();
    this.#ids.clear();
    this.#paths.clear();
  }

  #onEvent(event: KernelEvent): void {
    if ('path' in event) {
      this.#parts.onLife(event);
      return;
    }
    // Gone since the event was sent.
    const cgroup = this.#paths.get(event.cgroupId);
    if (cgroup === undefined) return;
    const { cgroupId: _, ...said } = event;
    this.#parts.onSignal({ cgroup, ...said });
  }

  #below(directory: string): string {
    return directory.slice(this.#parts.hierarchy.path('core', '').length + 1);
  }
}

/** The iterator reads cgroup v2's structures: where v1 has a controller, its numbers are v1's. */
function sampledRoot(hierarchy: Hierarchy): string | Missing {
  const v1 = (['cpu', 'memory', 'pids'] as const).filter((name) => hierarchy.isV1(name));
  if (v1.length === 0) return hierarchy.root;
  return {
    kind: 'missing',
    cause: `controllers are cgroup v1's here: ${v1.join(', ')}`,
    cure: 'boot with systemd.unified_cgroup_hierarchy=1',
  };
}

/** Entries of mem_cgroup.nodeinfo: /sys/devices/system/node/possible names the highest, as 0 or 0-3. */
export function possibleNodes(sysRoot: string): number {
  try {
    const last = /(\d+)\s*$/.exec(readFileSync(`${sysRoot}/devices/system/node/possible`, 'latin1'))?.[1];
    return Number(last ?? 0) + 1;
  } catch {
    return 1;
  }
}
