// A whole cluster against the aggregator's own process: 1,000 nodes × 30 pods × 2 containers pushed over TLS, its watches fed by
// a fake API server, its lists read. On the same cluster metrics-server v0.9.0 takes 14 % of a core at 15 s and 379 MiB idle,
// 540 MiB after lists.
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Floor } from './cluster-floor.ts';
import type { Delay } from './cluster-probe.ts';
import { asked, cpuMs, forgetPeak, resident } from './cluster-process.ts';
import { countItems } from './cluster-client.ts';
import type { Read } from './cluster-client.ts';
import { openRig } from './cluster-rig.ts';
import type { Replica, Rig } from './cluster-rig.ts';
import { PODS_PER_NODE } from './cluster-shape.ts';
import type { Figure } from './figure.ts';

export interface ClusterOptions {
  readonly nodes: number;
  /** Writes a CPU profile of each phase into this folder. */
  readonly profiles?: string;
}

/** Between two pushes. More nodes than a thousand at 5 s would need a machine of their own to send them. */
const PUSH_S = 5;
const SCRAPE_S = 15;
/** Until V8 has compiled what is hot. */
const WARM_UP_MS = 25_000;
const MEASURE_MS = 40_000;
const LISTS = 8;
const PAUSE_MS = 300;
const PODS = '/apis/metrics.k8s.io/v1/pods';
const PROTOBUF = 'application/vnd.kubernetes.protobuf, */*';
/** A second: as many as 30,000 pods of some hours' life make. */
const CHURN = { kind: 'churn', replaced: 2, touched: 5, nodes: 3 } as const;
const MIB_BOUND = 230;

const FORMS: readonly (Read & { readonly name: string })[] = [
  { name: 'JSON', path: PODS },
  { name: 'protobuf', path: PODS, accept: PROTOBUF },
  { name: 'JSON, gzip', path: PODS, gzip: true },
];

/** Takes five minutes, of 5,000 nodes seven. A floor is a bare node:https server under the same pushes over as many connections. */
export async function benchCluster(options: ClusterOptions): Promise<Figure[]> {
  const atStart = options.nodes === 1000;
  const firstS = atStart ? PUSH_S : SCRAPE_S;
  const rig = await openRig({ ...options, pushMs: firstS * 1000 });
  try {
    const say = progress();
    const floor = await rig.floor();
    say('the floor is measured');
    const replica = await rig.startReplica();
    const started = await startFigures(rig, replica);
    say('the aggregator is whole');
    rig.api.send(CHURN);
    await sleep(WARM_UP_MS);
    const quiet = await intakeFigures(rig, replica, firstS, floor, atStart ? 15 : undefined);
    say(`intake is measured at ${firstS} s`);
    const read = await listFigures(rig, replica, floor, firstS);
    say('lists are measured');
    const slow = atStart ? await slowFigures(rig, replica, floor) : [];
    // Two replicas and the senders of 5,000 nodes twice would measure the machine.
    const restarted = atStart ? await restartFigures(rig, replica) : [];
    say('done');
    const setting = [
      figure('Node of the aggregator', rig.nodeMajor(), 'major version'),
      figure('machine', availableParallelism(), 'CPUs'),
    ];
    const figures = [...started, ...quiet, ...read, ...slow, ...restarted, ...setting];
    // The page has a table for each size.
    return atStart ? figures : figures.map((each) => ({ ...each, bench: `cluster-${options.nodes}` }));
  } finally {
    await rig.close();
  }
}

/** Minutes pass: a line each. */
function progress(): (what: string) => void {
  const beganMs = performance.now();
  return (what) => void process.stderr.write(`${Math.round((performance.now() - beganMs) / 1000)} s: ${what}\n`);
}

function figure(name: string, value: number, unit: string, bound?: number, floor?: number): Figure {
  return {
    bench: 'cluster',
    figure: name,
    value,
    unit,
    ...(bound === undefined ? {} : { bound }),
    ...(floor === undefined ? {} : { floor }),
  };
}

async function slowFigures(rig: Rig, replica: Replica, floor: Floor): Promise<Figure[]> {
  await rig.pace(SCRAPE_S * 1000);
  await sleep(SCRAPE_S * 1000);
  return intakeFigures(rig, replica, SCRAPE_S, floor, 7);
}

async function startFigures(rig: Rig, replica: Replica): Promise<Figure[]> {
  const { tookMs } = await rig.whole(replica);
  const { nowMib, peakMib } = resident(replica.pid);
  const before = [
    figure('nodes', rig.nodes, 'nodes'),
    figure('pods and nodes listed: after', replica.listedMs(), 'ms'),
    figure('pods and nodes listed: cpu', replica.listedCpuMs(), 'ms cpu'),
    figure('first whole list after its start, agents connecting', tookMs, 'ms'),
    figure('rss, whole for the first time', nowMib, 'MiB'),
    figure('rss, highest of the start', peakMib, 'MiB'),
  ];
  return before;
}

async function intakeFigures(
  rig: Rig,
  replica: Replica,
  seconds: number,
  { rssMib, pushCpuMs }: Floor,
  bound?: number,
): Promise<Figure[]> {
  await rig.counts(replica);
  await rig.profile(replica, `push-${seconds}s`, 'begin');
  const before = { cpuMs: cpuMs(replica.pid), atMs: performance.now() };
  await sleep(MEASURE_MS);
  const spentMs = cpuMs(replica.pid) - before.cpuMs;
  const tookMs = performance.now() - before.atMs;
  await rig.profile(replica, `push-${seconds}s`, 'end');
  const counts = await rig.counts(replica);
  if (counts.failed > 0) throw new Error(`${counts.failed} pushes failed: ${counts.reason}`);
  const bareMs = pushCpuMs * counts.stored;
  const named = (text: string): string => `pushes each ${seconds} s: ${text}`;
  return [
    figure(
      named('cpu of intake, encoding and watches'),
      (spentMs / tookMs) * 100,
      '% of a core',
      bound,
      (bareMs / tookMs) * 100,
    ),
    figure(named('taken'), counts.stored / (tookMs / 1000), 'pushes/s'),
    figure(named('cpu a push'), spentMs / counts.stored, 'ms cpu', undefined, pushCpuMs),
    figure(named('size of one'), counts.bytes / counts.stored, 'bytes'),
    figure(named('p99 as its sender sees it'), counts.p99Ms, 'ms'),
    figure(named('rss'), resident(replica.pid).nowMib, 'MiB', boundOf(rig), rssMib),
  ];
}

function boundOf({ nodes }: Rig): number | undefined {
  return nodes === 1000 ? MIB_BOUND : undefined;
}

/** While the agents push. What the pushes themselves take is measured beside and taken off. */
async function listFigures(rig: Rig, replica: Replica, { rssMib }: Floor, seconds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  const delays: Delay[] = [];
  forgetPeak(replica.pid);
  const idle = await spentOver(replica, 10_000);
  for (const form of FORMS) {
    for (let warm = 0; warm < 2; warm++) await checkedList(rig, replica, form);
    await rig.profile(replica, `list ${form.name}`, 'begin');
    await asked(replica.child, { kind: 'delay_begin' });
    const before = { cpuMs: cpuMs(replica.pid), atMs: performance.now() };
    const took: number[] = [];
    for (let run = 0; run < LISTS; run++) {
      const { tookMs } = await rig.reader(replica).get(form);
      took.push(tookMs);
      await sleep(PAUSE_MS);
    }
    const elapsedMs = performance.now() - before.atMs;
    const spentMs = cpuMs(replica.pid) - before.cpuMs - idle * elapsedMs;
    delays.push(await asked<Delay>(replica.child, { kind: 'delay_end' }));
    await rig.profile(replica, `list ${form.name}`, 'end');
    figures.push(
      figure(`list all pods while agents push each ${seconds} s, ${form.name}`, spentMs / LISTS, 'ms cpu'),
      figure(
        `list all pods while agents push each ${seconds} s, ${form.name}: median`,
        took.sort((a, b) => a - b)[LISTS >> 1]!,
        'ms',
      ),
    );
  }
  const { nowMib, peakMib } = resident(replica.pid);
  return [
    ...figures,
    figure('event loop delay p99 while lists and pushes run', Math.max(...delays.map(({ p99Ms }) => p99Ms)), 'ms', rig.nodes === 1000 ? 20 : undefined), // prettier-ignore
    figure('event loop delay, longest', Math.max(...delays.map(({ maxMs }) => maxMs)), 'ms'),
    figure('rss after lists in JSON, protobuf and gzip', nowMib, 'MiB', boundOf(rig), rssMib),
    figure('rss, highest while listing', peakMib, 'MiB'),
  ];
}

/** CPU ms a ms. */
async function spentOver(replica: Replica, ms: number): Promise<number> {
  const before = { cpuMs: cpuMs(replica.pid), atMs: performance.now() };
  await sleep(ms);
  return (cpuMs(replica.pid) - before.cpuMs) / (performance.now() - before.atMs);
}

/** A fast wrong answer is no figure. A few pods of the churn are always starting. */
async function checkedList(rig: Rig, replica: Replica, form: Read): Promise<void> {
  const { status, body } = await rig.reader(replica).get(form);
  const pods = rig.nodes * PODS_PER_NODE;
  const right = form.accept === undefined ? countItems(body, form.gzip) > pods * 0.998 : body.length > pods * 100;
  if (status !== 200 || !right) throw new Error(`list of all pods: HTTP ${status}, ${body.length} bytes`);
}

/** The second of two replicas is killed and started again; the first one is asked all the while. */
async function restartFigures(rig: Rig, first: Replica): Promise<Figure[]> {
  const second = await rig.startReplica();
  await rig.whole(second);
  await sleep(SCRAPE_S * 1000);
  await rig.tokenReviews();
  const again = await rig.restart(second);
  let refused = 0;
  let worstMs = 0;
  const watch = new AbortController();
  const watching = (async () => {
    while (!watch.signal.aborted) {
      const { status, tookMs } = await rig.reader(first).get({ path: '/apis/metrics.k8s.io/v1/nodes' });
      if (status !== 200) refused++;
      worstMs = Math.max(worstMs, tookMs);
      await sleep(100);
    }
  })();
  const { tookMs, readyMs } = await rig.whole(again);
  watch.abort();
  await watching;
  const bound = rig.nodes === 1000 ? 15_000 : undefined;
  return [
    figure('replica killed and started again: ready', readyMs, 'ms', bound),
    figure('replica killed and started again: whole list', tookMs, 'ms', bound),
    // Each agent's token once, however often it pushed meanwhile; the other replica has its own remembered.
    figure('replica killed and started again: tokens reviewed', await rig.tokenReviews(), 'reviews', rig.nodes),
    figure('the other replica meanwhile: requests refused', refused, 'requests', 0),
    figure('the other replica meanwhile: slowest list of nodes', worstMs, 'ms'),
  ];
}
