// What the agent costs: the process as its image ships it (bundled, its flags and environment, the addon where it was built) with 250
// real containers at 1 Hz, its rings' memory, and the bytes of a push.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openHierarchy } from '../../agent/cgroup/hierarchy.ts';
import { emptySample } from '../../agent/cgroup/sample.ts';
import { BATCH_BINARY_V1 } from '../../agent/protocol/batch.ts';
import { encodeBatch } from '../../agent/protocol/codec.ts';
import { encodeReply } from '../../agent/protocol/push-reply.ts';
import { ReportBuffers } from '../../agent/report-columns.ts';
import { RING_SLOTS, Ring, SUM_RING_SLOTS } from '../../agent/ring.ts';
import { Row } from '../../agent/row.ts';
import { fakeCgroup } from '../fakes/fake-node.ts';
import { makeBenchCgroups } from './bench-cgroups.ts';
import { bundleOf } from './bundle.ts';
import type { Figure } from './figure.ts';

const PODS = 125;
/** Until V8 has compiled what is hot and start pages are given back; the first minute costs twice as much. */
const WARM_UP_MS = 75_000;
const MEASURE_MS = 30_000;
const TICK_HZ = 100; // USER_HZ of /proc/PID/stat
const MIB = 1024 * 1024;
/** Memory is bounded in units of ten. */
const MB = 1e6;

/** Takes about 110 s; needs root for the cgroups. */
export async function benchAgent(): Promise<Figure[]> {
  const hierarchy = openHierarchy('/sys/fs/cgroup');
  const receiver = await startReceiver();
  const cgroups = await makeBenchCgroups(hierarchy, PODS);
  const directory = mkdtempSync(join(tmpdir(), 'headroom-bench-'));
  const tokenFile = join(directory, 'token');
  writeFileSync(tokenFile, 'bench');
  const { entry, nodeFlags, environment } = bundleOf('agent', join(directory, 'image'));
  const agent = spawn(process.execPath, [...nodeFlags, entry, ...agentFlags(receiver.port, tokenFile, cgroups.root)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  try {
    const port = await listeningPort(agent.stdout);
    await sleep(WARM_UP_MS);
    const warm = await scrape(port);
    const before = cpuTicks(agent.pid ?? 0);
    const beganMs = performance.now();
    await sleep(MEASURE_MS);
    const seconds = (performance.now() - beganMs) / 1000;
    const cpuPercent = ((cpuTicks(agent.pid ?? 0) - before) / TICK_HZ / seconds) * 100;
    const rssMb = rssBytes(agent.pid ?? 0) / MB;
    const metrics = await scrape(port);
    const spent = since(warm, metrics);
    const rows = 1 + cgroups.rows; // and the node
    const heldMb = (metrics.get('headroom_agent_ring_bytes') ?? NaN) / MB;
    const fullMb = fullRingBytes(cgroups.containers, rows - cgroups.containers) / MB;
    const openFiles = readdirSync(`/proc/${agent.pid}/fd`).length;
    const onNode20 = process.versions.node.startsWith('20.');
    return [
      figure('containers', cgroups.containers, 'containers'),
      figure('kept-open files', openFiles, 'files'),
      { ...figure('cpu', cpuPercent, '% of a core'), bound: 1 },
      figure('rss, after a scrape of /metrics', rssMb, 'MB'),
      figure('rings, as far as filled', heldMb, 'MB'),
      figure('rings when full', fullMb, 'MB'),
      { ...figure('rss with full rings', rssMb + fullMb - heldMb, 'MB'), bound: onNode20 ? 70 : 95 },
      figure(
        'tick, mean busy time',
        ((spent.get('headroom_agent_tick_duration_seconds_sum') ?? NaN) * 1000) /
          (spent.get('headroom_agent_tick_duration_seconds_count') ?? NaN),
        'ms',
      ),
      { ...figure('longest slice, median tick at most', medianSliceMs(spent), 'ms'), bound: 1 },
      figure('ticks with a slice above 1 ms, preemption included', longSlicesPercent(spent), '%'),
      figure(
        'longest slice since the start, preemption included',
        (metrics.get('headroom_agent_slice_max_seconds') ?? NaN) * 1000,
        'ms',
      ),
      figure('ticks skipped', metrics.get('headroom_agent_ticks_skipped_total') ?? NaN, 'ticks'),
      figure(`push of ${rows} rows as sent`, receiver.lastBytes(), 'bytes'),
      { ...figure('push of 500 containers', pushBytes(500), 'bytes'), bound: 40_000 },
      figure('machine', availableParallelism(), 'CPUs'),
    ];
  } finally {
    agent.kill('SIGTERM');
    await new Promise((resolve) => (agent.exitCode === null ? agent.once('exit', resolve) : resolve(undefined)));
    receiver.close();
    await cgroups.remove();
    rmSync(directory, { recursive: true });
  }
}

function figure(name: string, value: number, unit: string): Figure {
  return { bench: 'agent', figure: name, value: Math.round(value * 1000) / 1000, unit };
}

function agentFlags(pushPort: number, tokenFile: string, cgroupRoot: string): string[] {
  return [
    '--node-name=bench',
    `--aggregator=http://127.0.0.1:${pushPort}`,
    `--token-file=${tokenFile}`,
    `--cgroup-root=${cgroupRoot}`,
    '--listen=127.0.0.1:0',
    '--debug-listen=127.0.0.1:0',
    '--log-level=info',
  ];
}

/** Takes every push and keeps the size of the newest regular one. */
async function startReceiver(): Promise<{ port: number; lastBytes: () => number; close: () => void }> {
  let last = 0;
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    let bytes = 0;
    req.on('data', (chunk: Buffer) => (bytes += chunk.length));
    req.on('end', () => {
      last = bytes;
      res.end(encodeReply({ accepted: 0, names: [], directives: [] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, lastBytes: () => last, close };
}

/** Its output is read to the end: a pipe that nobody reads would stop it, a closed one fail its log. */
function listeningPort(stdout: NodeJS.ReadableStream): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    stdout.on('data', (chunk: Buffer) => {
      text += String(chunk);
      const line = text.split('\n').find((one) => one.includes('"listening"') && one.endsWith('}'));
      if (line) resolve((JSON.parse(line) as { ports: { health: number } }).ports.health);
    });
    stdout.once('end', () => reject(new Error(`the agent ended before it listened: ${text}`)));
  });
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function rssBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

async function scrape(port: number): Promise<Map<string, number>> {
  const body = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const samples = new Map<string, number>();
  for (const line of body.split('\n')) {
    const match = /^([^#\s]\S*) (\S+)$/.exec(line);
    if (match) samples.set(match[1] ?? '', Number(match[2]));
  }
  return samples;
}

/** What counters and histograms grew by. */
function since(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)]));
}

/** Upper bound of the bucket that the median tick's longest slice falls in. */
function medianSliceMs(metrics: ReadonlyMap<string, number>): number {
  const count = metrics.get('headroom_agent_slice_seconds_count') ?? NaN;
  for (const [name, value] of metrics) {
    const bound = /^headroom_agent_slice_seconds_bucket\{le="([^"]+)"\}$/.exec(name)?.[1];
    if (bound !== undefined && value >= count / 2) return Number(bound) * 1000;
  }
  return NaN;
}

function longSlicesPercent(metrics: ReadonlyMap<string, number>): number {
  const count = metrics.get('headroom_agent_slice_seconds_count') ?? NaN;
  return (1 - (metrics.get('headroom_agent_slice_seconds_bucket{le="0.001"}') ?? NaN) / count) * 100;
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
