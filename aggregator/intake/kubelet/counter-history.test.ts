import { describe, expect, it } from 'vitest';
import { CounterHistory } from './counter-history.ts';
import { fixture } from './fake-kubelet.test-support.ts';
import { readResourceMetrics } from './resource-metrics.ts';

const MIB = 1024 * 1024;
const NOON_MS = Date.parse('2026-11-23T12:00:00Z');
const RESOLUTION_MS = 15_000;
const steady = readResourceMetrics(fixture('steady'));
const later = readResourceMetrics(fixture('steady-15s'));

/** Both clocks of ours are at `elapsedMs` since the first scrape; the node's wall clock is off by `skewMs`. */
function receipt(elapsedMs: number, skewMs = 0) {
  return { monoMs: 5000 + elapsedMs, wallMs: NOON_MS + elapsedMs - skewMs };
}

describe('CounterHistory', () => {
  it('makes points of the second scrape, each with the time and the window of its own reading', () => {
    const history = new CounterHistory(RESOLUTION_MS);
    expect(history.take('n1', steady, receipt(0), NOON_MS)).toMatchObject({ rates: 0, waiting: 4 });
    const { scraped, rates, waiting } = history.take('n1', later, receipt(15_000), NOON_MS + 15_000);
    expect({ rates, waiting }).toEqual({ rates: 4, waiting: 0 });
    expect(scraped.usage).toEqual({
      ageMs: 1500,
      windowUs: 15_000_000,
      cpuWindowUs: expect.closeTo(15_000_000, 0) as number,
      workingSetBytes: 2048 * MIB + 12_288,
      swapBytes: 10 * MIB,
    });
    expect(scraped.containers.map(({ container, ageMs, cpuWindowUs }) => [container, ageMs, cpuWindowUs])).toEqual([
      ['main', 3100, 7_500_000],
      ['side', 4200, 750_000],
      ['dns', 9050, expect.closeTo(75_000, 0)],
    ]);
  });

  it('counts a restarted container from its start', () => {
    const history = new CounterHistory(RESOLUTION_MS);
    history.take('n1', steady, receipt(0), NOON_MS);
    const restarted = readResourceMetrics(fixture('restarted-15s'));
    const { scraped } = history.take('n1', restarted, receipt(15_000), NOON_MS + 15_000);
    expect(scraped.containers[0]).toMatchObject({ windowUs: 12_000_000, cpuWindowUs: 3_500_000 });
  });

  it('has no point while the kubelet repeats itself, and the next over the whole time', () => {
    const history = new CounterHistory(RESOLUTION_MS);
    history.take('n1', steady, receipt(0), NOON_MS);
    expect(history.take('n1', steady, receipt(5000), NOON_MS + 5000)).toMatchObject({ rates: 0, waiting: 4 });
    expect(history.take('n1', later, receipt(15_000), NOON_MS + 15_000).scraped.usage?.windowUs).toBe(15_000_000);
  });

  it('ages points by the node’s own clock when that is off', () => {
    const history = new CounterHistory(RESOLUTION_MS);
    const skewMs = 3_600_000;
    history.take('n1', steady, receipt(0, skewMs), NOON_MS);
    const { scraped } = history.take('n1', later, receipt(15_000, skewMs), NOON_MS + 15_000);
    expect(scraped.usage?.ageMs).toBe(2000); // a Date header is whole seconds: the middle of the second is taken
  });

  it('compares nothing over a step of the node’s clock, or over a long silence', () => {
    const history = new CounterHistory(RESOLUTION_MS);
    history.take('n1', steady, receipt(0), NOON_MS);
    expect(history.take('n1', later, receipt(15_000), NOON_MS + 75_000)).toMatchObject({ rates: 0, waiting: 4 });
    const silent = new CounterHistory(RESOLUTION_MS);
    silent.take('n1', steady, receipt(0), NaN);
    expect(silent.take('n1', later, receipt(121_000), NaN)).toMatchObject({ rates: 0, waiting: 4 });
  });

  it('takes the time of the answer for readings without one', () => {
    const history = new CounterHistory(RESOLUTION_MS);
    const at = (cpuSeconds: number) =>
      readResourceMetrics(`node_cpu_usage_seconds_total ${cpuSeconds}\nnode_memory_working_set_bytes 1`);
    history.take('n1', at(10), receipt(0), NaN);
    expect(history.take('n1', at(12), receipt(10_000), NaN).scraped.usage).toEqual({
      ageMs: 0,
      windowUs: 10_000_000,
      cpuWindowUs: 2_000_000,
      workingSetBytes: 1,
      swapBytes: NaN,
    });
  });

  it('serves nothing of a container whose memory is not told', () => {
    const history = new CounterHistory(RESOLUTION_MS);
    const at = (cpuSeconds: number, ms: number) =>
      readResourceMetrics(
        `container_cpu_usage_seconds_total{container="c",namespace="n",pod="p"} ${cpuSeconds} ${NOON_MS + ms}`,
      );
    history.take('n1', at(1, 0), receipt(0), NaN);
    expect(history.take('n1', at(2, 15_000), receipt(15_000), NaN)).toMatchObject({
      scraped: { containers: [] },
      waiting: 1,
    });
  });
});
