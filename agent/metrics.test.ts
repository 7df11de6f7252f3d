import { describe, expect, it } from 'vitest';
import { createAgentMetrics } from './metrics.ts';
import type { Gauges } from './metrics.ts';

const GAUGES: Gauges = {
  rowsByKind: () =>
    new Map([
      ['node', 1],
      ['container', 4],
    ]),
  watched: () => 2,
  readProblems: () => 7,
  refusedCgroups: () => 0,
  ringBytes: () => 36_000,
  hooks: () => [{ hook: 'throttle', sent: 3, limited: 2, dropped: 1 }],
  capabilities: () => [{ name: 'psi', available: false, cause: 'boot with psi=1' }],
};

describe('createAgentMetrics', () => {
  it('tells ticks, pushes and what is missing with its cause', async () => {
    const metrics = createAgentMetrics(GAUGES);
    metrics.tick({ busyMs: 3, maxSliceMs: 0.4, maxSliceCpuMs: 0.3, skipped: 0 });
    metrics.tick({ busyMs: 5, maxSliceMs: 0.7, maxSliceCpuMs: 0.5, skipped: 2 });
    metrics.pushed({ path: 'regular', outcome: 'stored', bytes: 1234, encodeMs: 0.5, encodeCpuMs: 0.45 });
    metrics.pushed({ path: 'regular', outcome: 'stored', bytes: 1234, encodeMs: 0.5, encodeCpuMs: NaN });
    metrics.signal('throttle', 0.2);
    const lines = (await metrics.registry.metrics()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'headroom_agent_tick_duration_seconds_sum 0.008',
        'headroom_agent_slice_seconds_bucket{le="0.0005"} 1',
        'headroom_agent_slice_max_seconds 0.0007',
        'headroom_agent_slice_cpu_seconds_bucket{le="0.0003"} 1',
        'headroom_agent_slice_cpu_seconds_count 2',
        'headroom_agent_push_encode_cpu_seconds_bucket{le="0.0005"} 1',
        'headroom_agent_push_encode_cpu_seconds_count 1',
        'headroom_agent_ticks_skipped_total 2',
        'headroom_agent_containers 4',
        'headroom_agent_push_total{path="regular",outcome="stored"} 2',
        'headroom_agent_push_bytes{path="regular"} 1234',
        'headroom_agent_capability{name="psi",cause="boot with psi=1"} 0',
        'headroom_agent_read_problems_total 7',
        'headroom_agent_hook_events_total{hook="throttle",outcome="dropped"} 1',
        'headroom_agent_signal_delay_seconds_bucket{le="0.00025",kind="throttle"} 1',
      ]),
    );
  });

  it('reads counted figures anew at each scrape instead of adding them up', async () => {
    const { registry } = createAgentMetrics(GAUGES);
    await registry.metrics();
    expect(await registry.metrics()).toContain('headroom_agent_read_problems_total 7');
  });
});
