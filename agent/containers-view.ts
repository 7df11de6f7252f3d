// /containers: every row as JSON, newest values in natural units. A value that was not read is null, a limit of "max" too.
import { neededMemoryBytes, workingSetBytes } from './cgroup/sample.ts';
import type { Row } from './store/row.ts';
import { isShort } from './shortage/shortage.ts';
import { usageOver } from './store/window.ts';

export interface RowView {
  readonly ref: number;
  readonly kind: string;
  readonly cgroup: string;
  readonly podUid: string;
  readonly containerId: string;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
  readonly atBootMs: number | null;
  readonly windowMs: number | null;
  readonly cpuMillis: number | null;
  readonly cpuLimitMillis: number | null;
  readonly workingSetBytes: number | null;
  readonly neededMemoryBytes: number | null;
  readonly memoryCurrentBytes: number | null;
  readonly memoryLimitBytes: number | null;
  readonly pids: number | null;
  readonly short: boolean;
  readonly ringSlots: number;
}

export function rowView(row: Row, windowMs: number): RowView {
  const { identity, sample, name } = row;
  const usage = usageOver(row.ring, windowMs);
  return {
    ref: identity.ref,
    kind: identity.kind,
    cgroup: identity.cgroup,
    podUid: identity.podUid,
    containerId: identity.containerId,
    namespace: name?.namespace ?? null,
    pod: name?.pod ?? null,
    container: name?.container ?? null,
    atBootMs: finite(sample.atBootMs),
    windowMs: usage ? usage.windowUs / 1000 : null,
    cpuMillis: usage ? finite((usage.cpuUs / usage.windowUs) * 1000) : null,
    cpuLimitMillis: finite((sample.cpuQuotaUs / sample.cpuPeriodUs) * 1000),
    workingSetBytes: finite(workingSetBytes(sample)),
    neededMemoryBytes: finite(neededMemoryBytes(sample)),
    memoryCurrentBytes: finite(sample.memoryCurrentBytes),
    memoryLimitBytes: finite(sample.memoryLimitBytes),
    pids: finite(sample.pids),
    short: isShort(row.shortage),
    ringSlots: row.ring.length,
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
