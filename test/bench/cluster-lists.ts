// What reads of the metrics API take in the aggregator's own process as it ships (bundle, Node, its flags), on 1,000 nodes × 30 pods
// × 2 containers with all their TLS connections open: nothing changed since the last read, or every item changed before each.
// metrics-server v0.9.0 on the same cluster, ms of CPU, whatever changed: all pods 619, protobuf 403, gzip 552, a namespace of
// 1,500 pods 24.7, nodes 8.8, one pod 0.38.
import { setTimeout as sleep } from 'node:timers/promises';
import { countItems } from './cluster-client.ts';
import type { Read } from './cluster-client.ts';
import { cpuMs, resident } from './cluster-process.ts';
import { openRig } from './cluster-rig.ts';
import type { Replica, Rig } from './cluster-rig.ts';
import { namespaceOf, podName, PODS_PER_NODE } from './cluster-shape.ts';
import type { Figure } from './figure.ts';

const NODES = 1000;
const PODS = NODES * PODS_PER_NODE;
const ROOT = '/apis/metrics.k8s.io/v1';
/** As kubectl and controllers ask. */
const PROTOBUF = 'application/vnd.kubernetes.protobuf, */*';
const ONE = 4711;
const RUNS = 9;
/** Until V8 has compiled what is hot. */
const WARM_UP = 6;
/** A small answer is measured over this many. */
const SMALL = 200;
/** What a push or a read leaves to be done (a collection, a timer) is over by then. */
const REST_MS = 150;
const PUSH_MS = 5000;

interface Case extends Read {
  readonly name: string;
  readonly items: number;
  readonly bound: { readonly warm?: number; readonly changed?: number };
  readonly requests?: number;
}

const pods = { path: `${ROOT}/pods`, items: PODS };
const namespace = { path: `${ROOT}/namespaces/${namespaceOf(ONE, PODS)}/pods`, items: 1500, bound: { changed: 3 } };
const CASES: readonly Case[] = [
  { name: 'list 30,000 pods, JSON', ...pods, bound: { warm: 40, changed: 120 } },
  { name: 'list 30,000 pods, protobuf', ...pods, accept: PROTOBUF, bound: { warm: 40, changed: 120 } },
  { name: 'list 30,000 pods, JSON, gzip', ...pods, gzip: true, bound: { warm: 80, changed: 80 } },
  { name: 'list 1,500 pods of a namespace, JSON', ...namespace },
  { name: 'list 1,500 pods of a namespace, protobuf', ...namespace, accept: PROTOBUF },
  { name: 'list 1,000 nodes, JSON', path: `${ROOT}/nodes`, items: NODES, bound: { changed: 2 } },
  { name: 'list 1,000 nodes, protobuf', path: `${ROOT}/nodes`, items: NODES, accept: PROTOBUF, bound: { changed: 2 } },
  {
    name: 'get one pod, JSON',
    path: `${ROOT}/namespaces/${namespaceOf(ONE, PODS)}/pods/${podName({ pod: ONE, incarnation: 0 }, PODS)}`,
    items: 1,
    requests: SMALL,
    bound: { warm: 0.25 },
  },
];

/** Takes two and a half minutes. */
export async function benchClusterLists(): Promise<Figure[]> {
  const rig = await openRig({ nodes: NODES });
  try {
    const replica = await rig.startReplica();
    await rig.whole(replica);
    await sleep(2 * PUSH_MS);
    await rig.hold(replica);
    const figures: Figure[] = [];
    for (const one of CASES) {
      await check(rig, replica, one);
      if (one.bound.warm !== undefined) figures.push(await measured(rig, replica, one, 'warm'));
      if (one.bound.changed !== undefined) figures.push(await measured(rig, replica, one, 'changed'));
    }
    await rig.pace(PUSH_MS);
    await sleep(4 * PUSH_MS);
    return [
      ...figures,
      figureOf('rss after these reads, agents pushing again', resident(replica.pid).nowMib, 'MiB', 230),
      figureOf('Node of the aggregator', rig.nodeMajor(), 'major version'),
    ];
  } finally {
    await rig.close();
  }
}

function figureOf(figure: string, value: number, unit: string, bound?: number): Figure {
  return { bench: 'cluster-lists', figure, value, unit, ...(bound === undefined ? {} : { bound }) };
}

/** Median of the runs: CPU of all threads of the process, its collector's too. */
async function measured(rig: Rig, replica: Replica, one: Case, state: 'warm' | 'changed'): Promise<Figure> {
  const runs: number[] = [];
  const requests = one.requests ?? 1;
  for (let run = -WARM_UP; run < RUNS; run++) {
    if (state === 'changed') await rig.pushAll(replica);
    await sleep(REST_MS);
    const beforeMs = cpuMs(replica.pid);
    for (let count = 0; count < requests; count++) await rig.reader(replica).get(one);
    await sleep(REST_MS);
    if (run >= 0) runs.push((cpuMs(replica.pid) - beforeMs) / requests);
  }
  const said = state === 'warm' ? 'nothing changed' : 'every item changed';
  return figureOf(`${one.name}, ${said}`, runs.sort((a, b) => a - b)[RUNS >> 1]!, 'ms cpu', one.bound[state]);
}

/** A fast wrong answer is no figure. */
async function check(rig: Rig, replica: Replica, { name, items, ...read }: Case): Promise<void> {
  const { status, body } = await rig.reader(replica).get(read);
  const found = read.accept !== undefined ? (body.length > items * 100 ? items : 0) : countItems(body, read.gzip);
  if (status !== 200 || found !== (items === 1 ? -1 : items))
    throw new Error(`${name}: HTTP ${status}, ${found} items, ${body.length} bytes`);
}
