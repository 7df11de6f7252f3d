// The agent's own metrics. Figures that something else keeps are read when Prometheus scrapes, not before.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metric } from 'prom-client';
import type { PushFigures } from './push/pusher.ts';
import { createSignalMetrics } from './signal-metrics.ts';
import type { HookFigures } from './signal-metrics.ts';
import type { TickFigures } from './tick.ts';

/** Something that works, or does not and why (agent/cgroup/hierarchy.ts, discovery). */
export interface CapabilityState {
  readonly name: string;
  readonly available: boolean;
  readonly cause: string;
  /** What others that are missing for the same cause say too. */
  readonly shared?: string;
}

export interface Gauges {
  readonly rowsByKind: () => ReadonlyMap<string, number>;
  readonly watched: () => number;
  readonly readProblems: () => number;
  readonly refusedCgroups: () => number;
  readonly ringBytes: () => number;
  readonly capabilities: () => readonly CapabilityState[];
  readonly hooks: () => readonly HookFigures[];
}

export interface AgentMetrics {
  readonly registry: Registry;
  tick(figures: TickFigures): void;
  pushed(figures: PushFigures): void;
  /** @param delayMs from the kernel's own instant */
  signal(kind: string, delayMs: number): void;
}

export function createAgentMetrics(gauges: Gauges): AgentMetrics {
  const registry = new Registry();
  addGauges(registry, gauges);
  addProcessMetrics(registry);
  const registers = [registry];
  const pushes = new Counter({
    name: 'headroom_agent_push_total',
    help: 'Batches sent, by path and outcome.',
    labelNames: ['path', 'outcome'],
    registers,
  });
  const pushBytes = new Gauge({
    name: 'headroom_agent_push_bytes',
    help: 'Encoded bytes of the last batch.',
    labelNames: ['path'],
    registers,
  });
  const encode = new Gauge({
    name: 'headroom_agent_push_encode_seconds',
    help: 'Time to cut and encode the last batch.',
    labelNames: ['path'],
    registers,
  });
  const encodeCpu = new Histogram({
    name: 'headroom_agent_push_encode_cpu_seconds',
    help: 'CPU time of the thread to cut and encode each batch. Only with the native addon.',
    buckets: CPU_BUCKETS,
    registers,
  });
  return {
    registry,
    tick: tickMetrics(registers),
    signal: createSignalMetrics(registry, gauges.hooks),
    pushed({ path, outcome, bytes, encodeMs, encodeCpuMs }) {
      pushes.inc({ path, outcome });
      pushBytes.set({ path }, bytes);
      encode.set({ path }, encodeMs / 1000);
      if (!Number.isNaN(encodeCpuMs)) encodeCpu.observe(encodeCpuMs / 1000);
    },
  };
}

/** Seconds of own CPU time, fine around the millisecond that neither a slice nor a batch should take. */
const CPU_BUCKETS = [0.00025, 0.0003, 0.0004, 0.0005, 0.0006, 0.0008, 0.001, 0.0015, 0.002, 0.005, 0.02];

function tickMetrics(registers: Registry[]): (figures: TickFigures) => void {
  const ticks = new Histogram({
    name: 'headroom_agent_tick_duration_seconds',
    help: 'Time spent sampling in one tick, the sum of its slices.',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5],
    registers,
  });
  const slices = new Histogram({
    name: 'headroom_agent_slice_seconds',
    help: 'Longest slice of each tick: time for which signals and sockets had to wait, preemption included.',
    buckets: [0.00025, 0.0005, 0.001, 0.002, 0.005, 0.02, 0.1],
    registers,
  });
  const longest = new Gauge({
    name: 'headroom_agent_slice_max_seconds',
    help: 'Longest slice since the start, preemption included.',
    registers,
  });
  const sliceCpu = new Histogram({
    name: 'headroom_agent_slice_cpu_seconds',
    help: 'Longest slice of each tick by the CPU time of its thread: without preemption, with garbage collection. Only with the native addon.',
    buckets: CPU_BUCKETS,
    registers,
  });
  let longestMs = 0;
  const skipped = new Counter({
    name: 'headroom_agent_ticks_skipped_total',
    help: 'Ticks left out because the one before ended, or the timer fired, too late.',
    registers,
  });
  return ({ busyMs, maxSliceMs, maxSliceCpuMs, skipped: left }) => {
    ticks.observe(busyMs / 1000);
    slices.observe(maxSliceMs / 1000);
    if (!Number.isNaN(maxSliceCpuMs)) sliceCpu.observe(maxSliceCpuMs / 1000);
    longestMs = Math.max(longestMs, maxSliceMs);
    longest.set(longestMs / 1000);
    if (left > 0) skipped.inc(left);
  };
}

function addGauges(registry: Registry, gauges: Gauges): void {
  const registers: Registry[] = []; // registered below, once each
  const add = (metric: Metric): void => registry.registerMetric(metric);
  const plain = (name: string, help: string, read: () => number): void => {
    add(
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      }),
    );
  };
  add(
    new Gauge({
      name: 'headroom_agent_rows',
      help: 'Cgroups followed, by kind; the node itself is one.',
      labelNames: ['kind'],
      registers,
      collect() {
        this.reset();
        for (const [kind, count] of gauges.rowsByKind()) this.set({ kind }, count);
      },
    }),
  );
  plain('headroom_agent_containers', 'Containers followed.', () => gauges.rowsByKind().get('container') ?? 0);
  plain('headroom_agent_watched_containers', 'Containers near their limit, read ten times a second.', gauges.watched);
  plain('headroom_agent_ring_bytes', 'Memory of all rings.', gauges.ringBytes);
  plain(
    'headroom_agent_cgroups_refused',
    'Cgroups left out because the bound on rows was reached.',
    gauges.refusedCgroups,
  );
  add(
    new Counter({
      name: 'headroom_agent_read_problems_total',
      help: 'Readings of a cgroup in which a file was unreadable or malformed.',
      registers,
      collect() {
        this.reset();
        this.inc(gauges.readProblems());
      },
    }),
  );
  add(
    new Gauge({
      name: 'headroom_agent_capability',
      help: '1: works; 0: does not, for the cause given.',
      labelNames: ['name', 'cause'],
      registers,
      collect() {
        this.reset();
        for (const { name, available, cause } of gauges.capabilities()) this.set({ name, cause }, available ? 1 : 0);
      },
    }),
  );
}

/** prom-client's default metrics cost 1.5 MB and timers; these two are what is asked of them. */
function addProcessMetrics(registry: Registry): void {
  registry.registerMetric(
    new Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory.',
      registers: [],
      collect() {
        this.set(process.memoryUsage.rss());
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'CPU time of the process, user and system.',
      registers: [],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    }),
  );
}
