import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixture } from './fake-kubelet.test-support.ts';
import { readResourceMetrics } from './resource-metrics.ts';

const MIB = 1024 * 1024;
const NOON_MS = Date.parse('2026-11-23T12:00:00Z');

describe('readResourceMetrics', () => {
  it('reads node and containers of a steady kubelet', () => {
    const { node, containers, badLines, saysError } = readResourceMetrics(fixture('steady'));
    expect({ badLines, saysError }).toEqual({ badLines: 0, saysError: false });
    expect(node).toEqual({
      cpuSeconds: 123_456.789,
      atMs: NOON_MS - 1500,
      workingSetBytes: 2048 * MIB + 12_288,
      swapBytes: 10 * MIB,
      startMs: NaN,
    });
    expect([...containers.keys()]).toEqual(['default/web/main', 'default/web/side', 'kube-system/dns/dns']);
    expect(containers.get('default/web/side')).toEqual({
      namespace: 'default',
      pod: 'web',
      container: 'side',
      cpuSeconds: 5.25,
      atMs: NOON_MS - 4200,
      workingSetBytes: 5 * MIB,
      swapBytes: 2 * MIB,
      startMs: NOON_MS - 86_400_000 + 1500,
    });
  });

  it('reads kubelets before 1.28, which tell of no swap', () => {
    const { node, containers, badLines } = readResourceMetrics(fixture('before-1.28'));
    expect(badLines).toBe(0);
    expect(node.swapBytes).toBeNaN();
    expect(containers.get('default/web/main')).toMatchObject({ cpuSeconds: 100, swapBytes: NaN });
  });

  it('loses the lines of a stopping pod and nothing else', () => {
    const { containers, badLines } = readResourceMetrics(fixture('stopping-pod'));
    expect(badLines).toBe(3);
    expect(containers.get('default/stopping/main')).toBeUndefined();
    expect(containers.get('default/web/main')).toMatchObject({ cpuSeconds: 100, workingSetBytes: 100 * MIB });
    expect(containers.get('default/web/init')).toMatchObject({ cpuSeconds: NaN, workingSetBytes: NaN });
  });

  it("passes on the kubelet's word that it has no numbers", () => {
    expect(readResourceMetrics(fixture('no-stats'))).toMatchObject({ saysError: true, badLines: 0 });
    expect(readResourceMetrics('scrape_error 1').saysError).toBe(true);
  });

  it('loses one value with one bad line, wherever it is', () => {
    const lines = fixture('steady').split('\n');
    const whole = readResourceMetrics(fixture('steady'));
    const isRead = (line: string): boolean =>
      /^(node_|container_|resource_scrape)/.test(line) && !line.startsWith('container_swap_limit');
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.constantFrom('{', ' -1', ' NaN x', '"'), (at, garbage) => {
        fc.pre(isRead(lines[at]!));
        const read = readResourceMetrics(lines.with(at, lines[at]! + garbage).join('\n'));
        expect(read.badLines).toBe(1);
        expect(differences(read, whole)).toBeLessThanOrEqual(2); // a counter goes with its timestamp
      }),
    );
  });

  it.each([
    ['container_cpu_usage_seconds_total 1', 'no labels'],
    ['container_cpu_usage_seconds_total{container="",namespace="n",pod="p"} 1', 'an empty name'],
    ['container_cpu_usage_seconds_total{container="a/b",namespace="n",pod="p"} 1', 'a name with a slash'],
    [`container_cpu_usage_seconds_total{container="${'c'.repeat(300)}",namespace="n",pod="p"} 1`, 'a name too long'],
  ])('takes no container from %j: %s', (line) => {
    expect(readResourceMetrics(line)).toMatchObject({ badLines: 1, containers: new Map() });
  });

  it('takes the time of the CPU reading where memory has another', () => {
    const of = '{container="c",namespace="n",pod="p"}';
    const text = `container_cpu_usage_seconds_total${of} 1 1000\ncontainer_memory_working_set_bytes${of} 2 9000`;
    expect(readResourceMetrics(text).containers.get('n/p/c')).toMatchObject({ atMs: 1000, workingSetBytes: 2 });
  });

  it('keeps no more containers than an agent may report', () => {
    const lines = Array.from(
      { length: 8200 },
      (_, at) => `container_memory_working_set_bytes{container="c",namespace="n",pod="p${at}"} 1 1`,
    );
    const { containers, badLines } = readResourceMetrics(lines.join('\n'));
    expect({ kept: containers.size, badLines }).toEqual({ kept: 8192, badLines: 8 });
  });

  it('never throws on what is no such text', () => {
    const name = fc.constantFrom('container_cpu_usage_seconds_total', 'node_swap_usage_bytes', '# HELP', 'x', '');
    const line = fc.tuple(name, fc.string({ unit: 'binary' })).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { node, containers } = readResourceMetrics(lines.join('\n'));
        for (const reading of [node, ...containers.values()]) {
          expect(reading.cpuSeconds >= 0 || Number.isNaN(reading.cpuSeconds)).toBe(true);
          expect(reading.swapBytes >= 0 || Number.isNaN(reading.swapBytes)).toBe(true);
        }
      }),
    );
  });
});

function differences(
  read: ReturnType<typeof readResourceMetrics>,
  whole: ReturnType<typeof readResourceMetrics>,
): number {
  const pairs = [
    [read.node, whole.node] as const,
    ...[...whole.containers].map(([key, one]) => [read.containers.get(key)!, one] as const),
  ];
  return pairs.flatMap(([one, other]) =>
    Object.entries(other).filter(([field, value]) => !Object.is(value, one[field as keyof typeof one])),
  ).length;
}
