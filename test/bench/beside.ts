// `npm run bench -- beside`: metrics-server beside the aggregator, on the same cluster and the same machine, one after the other, both
// at metrics-server's 15 s. Prints both columns; each pair is also a figure whose bound is what metrics-server took.
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeletsStart } from './beside-kubelets.ts';
import { countItems } from './cluster-client.ts';
import type { Read, Reader } from './cluster-client.ts';
import { asked, cpuMs, forkBeside, resident, stopped } from './cluster-process.ts';
import { freePort, openRig } from './cluster-rig.ts';
import type { Rig } from './cluster-rig.ts';
import { namespaceOf, podName, PODS_PER_NODE, workloadOf } from './cluster-shape.ts';
import type { Figure } from './figure.ts';
import { METRICS_SERVER, metricsServerBinary, startMetricsServer } from './metrics-server.ts';

export interface BesideOptions {
  readonly nodes: number;
}

const INTERVAL_MS = 15_000;
const WHOLE_TIMEOUT_MS = 120_000;
/** For each of the two, from its start to its last figure: on an idle machine they take less than two minutes. */
const SIDE_MS = 240_000;
const RUNS = 6;
const SMALL = 100;
const PAUSE_MS = 300;
const ROOT = '/apis/metrics.k8s.io/v1beta1';
const PROTOBUF = 'application/vnd.kubernetes.protobuf, */*';
const ONE = 4711;
/** Some pods of the churn are always starting, and metrics-server leaves out what it read once only. */
const WHOLE_SHARE = 0.998;

interface Subject {
  readonly pid: number;
  readonly reader: Reader;
  /** Asked before each step. @throws Error when its time is over */
  readonly inTime: () => void;
}

/** Figure → its value; the same for both. */
type Column = ReadonlyMap<string, { readonly value: number; readonly unit: string }>;

interface Case extends Read {
  readonly name: string;
  readonly requests?: number;
}

/** Takes five minutes, eight at most. */
export async function benchBeside({ nodes }: BesideOptions): Promise<Figure[]> {
  const binary = metricsServerBinary(process.env, (text) => process.stderr.write(`${text}\n`));
  const rig = await openRig({ nodes });
  try {
    const own = await aggregatorColumn(rig);
    const theirs = await metricsServerColumn(rig, binary);
    process.stdout.write(`\n${table(own, theirs).join('\n')}\n`);
    return [...own].map(([figure, { value, unit }]) => ({
      bench: 'beside',
      figure,
      value,
      unit,
      bound: theirs.get(figure)!.value,
    }));
  } finally {
    await rig.close();
  }
}

function deadline(side: string): () => void {
  const endMs = performance.now() + SIDE_MS;
  return () => {
    if (performance.now() > endMs)
      throw new Error(`${side} was not measured in ${SIDE_MS / 1000} s: the machine is too busy`);
  };
}

async function aggregatorColumn(rig: Rig): Promise<Column> {
  const inTime = deadline('the aggregator');
  const replica = await rig.startReplica();
  await rig.whole(replica);
  await rig.pace(INTERVAL_MS);
  const column = await columnOf({ pid: replica.pid, reader: rig.reader(replica), inTime }, rig.nodes);
  await rig.stop(replica);
  return column;
}

async function metricsServerColumn(rig: Rig, binary: string): Promise<Column> {
  const inTime = deadline('metrics-server');
  const kubelets = forkBeside('beside-kubelets');
  const tls = { cert: rig.pki.serving.cert, key: rig.pki.serving.key };
  const order: KubeletsStart = { tls, nodes: rig.nodes };
  const { port: kubeletPort } = await asked<{ port: number }>(kubelets, order);
  const port = await freePort();
  const [kubeconfig, cert, key] = ['kubeconfig', 'tls.crt', 'tls.key'].map((name) => rig.file(name));
  const start = { binary, kubeconfig: kubeconfig!, cert: cert!, key: key!, port, kubeletPort };
  const { child, said } = startMetricsServer(start);
  const reader = rig.readerAt(port);
  try {
    await whole(reader, rig.nodes, said);
    return await columnOf({ pid: child.pid!, reader, inTime }, rig.nodes);
  } finally {
    reader.close();
    await stopped(child);
    kubelets.disconnect();
  }
}

async function whole(reader: Reader, nodes: number, said: () => string): Promise<void> {
  const beganMs = performance.now();
  while (performance.now() - beganMs < WHOLE_TIMEOUT_MS) {
    const got = await reader.get({ path: `${ROOT}/pods` }).catch(() => undefined);
    if (got?.status === 200 && countItems(got.body) >= nodes * PODS_PER_NODE * WHOLE_SHARE) return;
    await sleep(1000);
  }
  throw new Error(`metrics-server was not whole after ${WHOLE_TIMEOUT_MS} ms:\n${said()}`);
}

async function columnOf(subject: Subject, nodes: number): Promise<Column> {
  const column = new Map<string, { value: number; unit: string }>();
  const { pid } = subject;
  await sleep(INTERVAL_MS);
  const before = { cpuMs: cpuMs(pid), atMs: performance.now() };
  await sleep(2 * INTERVAL_MS);
  const idle = (cpuMs(pid) - before.cpuMs) / (performance.now() - before.atMs);
  column.set('metrics taken in each 15 s: cpu', { value: idle * 100, unit: '% of a core' });
  column.set('rss', { value: resident(pid).nowMib, unit: 'MiB' });
  for (const one of cases(nodes)) {
    const { spentMs, tookMs } = await measured(subject, one, idle);
    column.set(`${one.name}: cpu`, { value: spentMs, unit: 'ms cpu' });
    column.set(`${one.name}: median`, { value: tookMs, unit: 'ms' });
  }
  column.set('rss after these reads', { value: resident(pid).nowMib, unit: 'MiB' });
  return column;
}

function cases(nodes: number): readonly Case[] {
  const pods = nodes * PODS_PER_NODE;
  const pod = Math.min(ONE, pods - 1);
  const namespace = `${ROOT}/namespaces/${namespaceOf(pod, pods)}/pods`;
  const selector = encodeURIComponent(`app=${workloadOf(pod, pods)}`);
  return [
    { name: 'list all pods, JSON', path: `${ROOT}/pods` },
    { name: 'list all pods, protobuf', path: `${ROOT}/pods`, accept: PROTOBUF },
    { name: 'list all pods, JSON, gzip', path: `${ROOT}/pods`, gzip: true },
    { name: 'list one namespace, JSON', path: namespace, requests: 5 },
    { name: 'list by label, protobuf', path: `${namespace}?labelSelector=${selector}`, accept: PROTOBUF, requests: 20 },
    { name: 'list nodes, JSON', path: `${ROOT}/nodes`, requests: 20 },
    {
      name: 'get one pod, JSON',
      path: `${namespace}/${podName({ pod, incarnation: 0 }, pods)}`,
      requests: SMALL,
    },
  ];
}

/** What taking metrics in takes meanwhile (`idle`, CPU ms a ms) is taken off. */
async function measured(
  { pid, reader, inTime }: Subject,
  { name, requests = 1, ...read }: Case,
  idle: number,
): Promise<{ readonly spentMs: number; readonly tookMs: number }> {
  const took: number[] = [];
  const one = async (): Promise<void> => {
    inTime();
    const { status, tookMs } = await reader.get(read);
    if (status !== 200) throw new Error(`${name}: HTTP ${status}`);
    took.push(tookMs);
  };
  for (let warm = 0; warm < 2; warm++) await one();
  took.length = 0;
  const before = { cpuMs: cpuMs(pid), atMs: performance.now() };
  for (let run = 0; run < RUNS; run++) {
    for (let count = 0; count < requests; count++) await one();
    await sleep(PAUSE_MS);
  }
  const spentMs = cpuMs(pid) - before.cpuMs - idle * (performance.now() - before.atMs);
  return { spentMs: spentMs / took.length, tookMs: took.toSorted((a, b) => a - b)[took.length >> 1]! };
}

function table(own: Column, theirs: Column): readonly string[] {
  const text = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));
  const rows = [...own].map(([figure, { value, unit }]) => {
    const other = theirs.get(figure)!.value;
    return [`${figure} (${unit})`, text(value), text(other), (other / value).toFixed(1)];
  });
  const head = ['figure', 'Headroom', `metrics-server ${METRICS_SERVER}`, 'metrics-server / Headroom'];
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)];
}
