import { describe, expect, it } from 'vitest';
import { createAggregatorMetrics } from './metrics.ts';

const counts = { nodes: 2, pods: 3, slots: 9, nodePoints: 2, containerPoints: 5 };

function lines(text: string, start: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(start));
}

describe('createAggregatorMetrics', () => {
  it('tells what the store holds when it is asked, and drops the series of a node that is gone', async () => {
    let skews = [
      { node: 'n1', skewMs: 1500 },
      { node: 'n2', skewMs: -20 },
    ];
    const metrics = createAggregatorMetrics({ counts: () => counts, clockSkews: () => skews });
    const before = await metrics.registry.metrics();
    expect(lines(before, 'metrics_server_storage_points{')).toEqual([
      'metrics_server_storage_points{type="node"} 2',
      'metrics_server_storage_points{type="container"} 5',
    ]);
    expect(lines(before, 'headroom_agent_clock_skew_seconds{')).toHaveLength(2);
    skews = [skews[0]!];
    const after = await metrics.registry.metrics();
    expect(lines(after, 'headroom_agent_clock_skew_seconds{')).toEqual([
      'headroom_agent_clock_skew_seconds{node="n1"} 1.5',
    ]);
  });

  it('counts pushes by outcome and shortages by what became of them', async () => {
    const metrics = createAggregatorMetrics({ counts: () => counts, clockSkews: () => [] });
    metrics.pushed('accepted', 1000, 0.001);
    metrics.pushed('accepted', 500, 0.001);
    metrics.pushed('stale', 10, 0.001);
    metrics.shortage('memory', 'limit-reached', 'raised');
    metrics.resize('memory', 'applied');
    const text = await metrics.registry.metrics();
    expect(lines(text, 'headroom_push_total{')).toEqual([
      'headroom_push_total{outcome="accepted"} 2',
      'headroom_push_total{outcome="stale"} 1',
    ]);
    expect(lines(text, 'headroom_push_bytes_total')).toEqual(['headroom_push_bytes_total 1510']);
    expect(lines(text, 'headroom_resize_total{')).toEqual([
      'headroom_resize_total{resource="memory",outcome="applied"} 1',
    ]);
    expect(lines(text, 'headroom_shortage_total{')).toEqual([
      'headroom_shortage_total{resource="memory",kind="limit-reached",outcome="raised"} 1',
    ]);
  });

  it("tells freshness in metrics-server's buckets, each with its bound in it", async () => {
    const metrics = createAggregatorMetrics({ counts: () => counts, clockSkews: () => [] });
    const nowWallMs = 1e12;
    const agesMs = [-1000, 0, 500, 1000, 1364, 2000, 100_000, 1e9];
    metrics.gaveOut(
      Float64Array.from(agesMs, (ageMs) => nowWallMs - ageMs),
      nowWallMs,
    );
    const text = await metrics.registry.metrics();
    const name = 'metrics_server_api_metric_freshness_seconds';
    const buckets = lines(text, `${name}_bucket`);
    expect(buckets).toHaveLength(21);
    expect(buckets[0]).toBe(`${name}_bucket{le="1"} 4`);
    expect(buckets.at(-2)).toMatch(/ 7$/);
    expect(buckets.at(-1)).toBe(`${name}_bucket{le="+Inf"} 8`);
    expect(lines(text, `${name}_count`)).toEqual([`${name}_count 8`]);
    expect(lines(text, `${name}_sum`)).toEqual([`${name}_sum 1000104.864`]);
    expect(lines(text, `# TYPE ${name}`)).toEqual([`# TYPE ${name} histogram`]);
  });
});
