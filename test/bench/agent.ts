// What the agent costs: the process as its image ships it with 250 real containers at 1 Hz, its ticks and what interrupts them, its rings'
// memory, the bytes of a push; and what it costs a node of 16 containers.
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { emptySample } from '../../agent/cgroup/sample.ts';
import { BATCH_BINARY_V1 } from '../../agent/protocol/batch.ts';
import { encodeBatch } from '../../agent/protocol/codec.ts';
import { ReportBuffers } from '../../agent/push/report-columns.ts';
import { RING_SLOTS, Ring, SUM_RING_SLOTS } from '../../agent/store/ring.ts';
import { Row } from '../../agent/store/row.ts';
import { fakeCgroup } from '../fakes/fake-node.ts';
import { startAgent } from './agent-process.ts';
import type { Figure } from './figure.ts';

const PODS = 125;
/** Until V8 has compiled what is hot and start pages are given back; the first minute costs twice as much. */
const WARM_UP_MS = 75_000;
/** 120 ticks and more. */
const MEASURE_MS = 125_000;
const SMALL_PODS = 8;
const SMALL_WARM_UP_MS = 60_000;
const SMALL_MEASURE_MS = 40_000;
const MIB = 1024 * 1024;
/** Memory is bounded in units of ten. */
const MB = 1e6;

/** Takes about 320 s; needs root for the cgroups. */
export async function benchAgent(): Promise<Figure[]> {
  return [...(await benchLarge()), ...(await benchSmall())];
}

async function benchLarge(): Promise<Figure[]> {
  const agent = await startAgent(PODS, false);
  try {
    await sleep(WARM_UP_MS);
    const warm = await agent.metrics();
    const before = { cpuMs: agent.cpuMs(), pauses: agent.pausesMs().length, atMs: performance.now() };
    await sleep(MEASURE_MS);
    const passedMs = performance.now() - before.atMs;
    const cpuPercent = (100 * (agent.cpuMs() - before.cpuMs)) / passedMs;
    const rssMb = agent.rssBytes() / MB;
    const pausesMs = agent.pausesMs().slice(before.pauses);
    const metrics = await agent.metrics();
    const { cgroups } = agent;
    const rows = 1 + cgroups.rows; // and the node
    const heldMb = (metrics.get('headroom_agent_ring_bytes') ?? NaN) / MB;
    const fullMb = fullRingBytes(cgroups.containers, rows - cgroups.containers) / MB;
    const onNode20 = process.versions.node.startsWith('20.');
    return [
      figure('containers', cgroups.containers, 'containers'),
      figure('kept-open files', agent.openFiles(), 'files'),
      { ...figure('cpu', cpuPercent, '% of a core'), bound: 1 },
      figure('rss, before a scrape of /metrics', rssMb, 'MB'),
      figure('rings, as far as filled', heldMb, 'MB'),
      figure('rings when full', fullMb, 'MB'),
      { ...figure('rss with full rings', rssMb + fullMb - heldMb, 'MB'), bound: onNode20 ? 70 : 95 },
      ...tickFigures(since(warm, metrics)),
      figure('pauses for garbage, in the same time', pausesMs.length, 'pauses'),
      figure('pauses for garbage, the longest, preemption included', Math.max(0, ...pausesMs), 'ms'),
      figure(`push of ${rows} rows as sent`, agent.pushBytes(), 'bytes'),
      { ...figure('push of 500 containers', pushBytes(500), 'bytes'), bound: 40_000 },
      figure('machine', availableParallelism(), 'CPUs'),
    ];
  } finally {
    await agent.close();
  }
}

/** A node as most are: what the agent takes there is what it takes for being there. */
async function benchSmall(): Promise<Figure[]> {
  const agent = await startAgent(SMALL_PODS, true);
  try {
    await sleep(SMALL_WARM_UP_MS);
    const before = { cpuMs: agent.cpuMs(), wakeUps: agent.wakeUps(), atMs: performance.now() };
    await sleep(SMALL_MEASURE_MS);
    const seconds = (performance.now() - before.atMs) / 1000;
    const name = `${agent.cgroups.containers} containers, pushes by TLS`;
    return [
      figure(`${name}: cpu`, (agent.cpuMs() - before.cpuMs) / seconds, 'ms/s'),
      figure(`${name}: wake-ups of the main thread`, (agent.wakeUps() - before.wakeUps) / seconds, '1/s'),
    ];
  } finally {
    await agent.close();
  }
}

/** @param spent what the agent's metrics grew by */
function tickFigures(spent: ReadonlyMap<string, number>): Figure[] {
  const ticks = spent.get('headroom_agent_slice_seconds_count') ?? NaN;
  const busyMs = (spent.get('headroom_agent_tick_duration_seconds_sum') ?? NaN) * 1000;
  const [wall, own] = ['headroom_agent_slice_seconds', 'headroom_agent_slice_cpu_seconds'];
  const encoding = 'headroom_agent_push_encode_cpu_seconds';
  return [
    figure('ticks', ticks, 'ticks'),
    figure('tick, mean busy time', busyMs / ticks, 'ms'),
    figure('longest slice of the median tick, at most', quantileMs(spent, wall, 0.5), 'ms'),
    figure('ticks with a slice above 1 ms, preemption included', shareAbove(spent, wall, '0.001'), '%'),
    figure('longest slice of the median tick by own CPU time, at most', quantileMs(spent, own, 0.5), 'ms'),
    { ...figure('longest slice of all by own CPU time, at most', quantileMs(spent, own, 1), 'ms'), bound: 1 },
    figure('ticks with a slice above 1 ms of own CPU time', shareAbove(spent, own, '0.001'), '%'),
    figure('longest encoding of a push by own CPU time, at most', quantileMs(spent, encoding, 1), 'ms'),
    figure('ticks skipped', spent.get('headroom_agent_ticks_skipped_total') ?? NaN, 'ticks'),
  ];
}

function figure(name: string, value: number, unit: string): Figure {
  return { bench: 'agent', figure: name, value: Math.round(value * 1000) / 1000, unit };
}

/** What counters and histograms grew by. */
function since(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)]));
}

/** Upper bound of the bucket in which the quantile of a histogram falls. */
function quantileMs(spent: ReadonlyMap<string, number>, histogram: string, share: number): number {
  const count = spent.get(`${histogram}_count`) ?? NaN;
  const pattern = new RegExp(`^${histogram}_bucket\\{le="([^"]+)"\\}$`);
  for (const [name, value] of spent) {
    const bound = pattern.exec(name)?.[1];
    if (bound !== undefined && value >= count * share) return (bound === '+Inf' ? Infinity : Number(bound)) * 1000;
  }
  return NaN;
}

function shareAbove(spent: ReadonlyMap<string, number>, histogram: string, bound: string): number {
  const count = spent.get(`${histogram}_count`) ?? NaN;
  return (1 - (spent.get(`${histogram}_bucket{le="${bound}"}`) ?? NaN) / count) * 100;
}

/** What full rings hold, typed arrays and their buffers together; they are bounded, so nothing grows beyond. */
function fullRingBytes(containers: number, sums: number): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heldBytes = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = heldBytes();
  const rings = [
    ...Array.from({ length: containers }, () => new Ring()),
    ...Array.from({ length: sums }, () => new Ring(SUM_RING_SLOTS)),
  ];
  const sample = emptySample();
  for (let slot = 0; slot < RING_SLOTS; slot++) {
    sample.atBootMs = slot * 1000;
    for (const ring of rings) ring.write(sample);
  }
  const held = heldBytes() - before;
  if (rings.some((ring) => ring.length < SUM_RING_SLOTS)) throw new Error('a ring is not full');
  return held;
}

/** A regular push of containers as they are on a busy node, a few seconds after the one before; identities are known. */
function pushBytes(containers: number): number {
  const rows = Array.from({ length: containers }, (_, index) => busyRow(index + 1));
  const { reports, histogram } = new ReportBuffers().columns(rows, 15_000, (row) => row.tallies[0]);
  return encodeBatch(
    {
      node: 'bench',
      agentVersion: '0.1.0',
      bootId: 'b5a0c8a2-6a3c-4c4e-9a3e-0e0e5a1b2c3d',
      epoch: 4_501_600,
      sequence: 100,
      bootTimeMs: 86_400_000,
      wallTimeMs: 1_790_000_000_000,
      identities: [],
      gone: [],
      reports,
      histogram,
      shortages: [],
    },
    BATCH_BINARY_V1,
  ).length;
}

/** Every value differs from container to container and has the size it has after a day. */
function busyRow(ref: number): Row {
  const noise = (salt: number): number => (Math.imul(ref * 31 + salt, 0x9e37_79b1) >>> 0) / 2 ** 32;
  const cgroup = fakeCgroup();
  const identity = { ref, kind: 'container', podUid: '', containerId: '', cgroup: '', startBootMs: 0 } as const;
  const row = new Row(identity, cgroup.files, 0, [0], false);
  const { sample } = row;
  const millis = 5 + noise(1) ** 3 * 2000;
  const bytes = (16 + noise(2) * 1000) * MIB;
  for (let second = 0; second <= 20; second++) {
    const usedUs = (86_400 + second) * millis * 1000 * (1 + 0.1 * noise(second));
    Object.assign(sample, {
      atBootMs: 86_400_000 + second * 1000 + noise(3) * 1000,
      cpuUsageUs: Math.max(sample.cpuUsageUs || 0, Math.round(usedUs)),
      memoryCurrentBytes: Math.round(bytes / 4096) * 4096,
      anonBytes: Math.round((bytes * 0.6) / 4096) * 4096,
      activeFileBytes: Math.round((bytes * 0.1) / 4096) * 4096,
      inactiveFileBytes: Math.round((bytes * 0.2) / 4096) * 4096,
      memoryLimitBytes: 2 ** (26 + Math.floor(noise(4) * 6)),
      swapBytes: 0,
      cpuQuotaUs: noise(5) < 0.5 ? Infinity : 50_000 * (1 + Math.floor(noise(6) * 8)),
      cpuPeriodUs: 100_000,
      periods: noise(5) < 0.5 ? 0 : Math.floor(864_000 * noise(7)),
      throttledPeriods: noise(5) < 0.5 ? 0 : Math.floor(86_400 * noise(8)),
      throttledUs: noise(5) < 0.5 ? 0 : Math.floor(8.64e9 * noise(9)),
      eventsOomKill: 0,
      cpuSomeUs: Math.floor(8.64e8 * noise(10)),
      memorySomeUs: Math.floor(8.64e5 * noise(11) ** 4),
      ioSomeUs: Math.floor(8.64e7 * noise(12) ** 2),
      ioReadBytes: Math.floor((2e9 * noise(13)) / 4096) * 4096,
      ioWriteBytes: Math.floor((2e9 * noise(14)) / 4096) * 4096,
      pids: 1 + Math.floor(noise(15) * 60),
    });
    row.record();
  }
  return row;
}
