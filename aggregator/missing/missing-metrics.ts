// headroom_missing: how many nodes, pods and HPAs are without metrics, by reason, as of the last look.
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { MissingCount } from './missing-report.ts';

export function addMissingGauge(registry: Registry, counts: () => readonly MissingCount[]): void {
  void new Gauge({
    name: 'headroom_missing',
    help: 'Nodes, pods and horizontal pod autoscalers without metrics, by kind and reason; /debug/missing names them.',
    labelNames: ['kind', 'reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { kind, reason, count } of counts()) this.set({ kind, reason }, count);
    },
  });
}
