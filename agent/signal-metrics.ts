// Metrics of what the kernel tells: how often, how late, and what got lost on the way.
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** Events of one program since it was loaded (native/bpf/signal.h). */
export interface HookFigures {
  readonly hook: string;
  readonly sent: number;
  /** Held back by the rate limit, on purpose. */
  readonly limited: number;
  /** Lost: nobody read in time. */
  readonly dropped: number;
}

/** @returns notes one signal. @param hooks asked when Prometheus scrapes */
export function createSignalMetrics(
  registry: Registry,
  hooks: () => readonly HookFigures[],
): (kind: string, delayMs: number) => void {
  const delays = new Histogram({
    name: 'headroom_agent_signal_delay_seconds',
    help: 'From the kernel’s own instant of a signal to its judgement; PSI triggers and memory.events carry no instant.',
    labelNames: ['kind'],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1],
    registers: [registry],
  });
  registry.registerMetric(
    new Counter({
      name: 'headroom_agent_hook_events_total',
      help: 'Events of each eBPF program: sent, limited (held back on purpose), dropped (lost).',
      labelNames: ['hook', 'outcome'],
      registers: [],
      collect() {
        this.reset();
        for (const { hook, sent, limited, dropped } of hooks()) {
          this.inc({ hook, outcome: 'sent' }, sent);
          this.inc({ hook, outcome: 'limited' }, limited);
          this.inc({ hook, outcome: 'dropped' }, dropped);
        }
      },
    }),
  );
  return (kind, delayMs) => delays.observe({ kind }, Math.max(0, delayMs) / 1000);
}
