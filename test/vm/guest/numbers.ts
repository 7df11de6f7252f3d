// One process of known CPU share, one of known memory: what the metrics API says of them, beside the kernel's own counts of the same time.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { count, makeContainer } from './cgroup.ts';
import type { Counted } from './cgroup.ts';
import { startCluster } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { log, progress, result } from './say.ts';
import { pause, until } from './until.ts';

const WORKLOAD = '/headroom/dist/test/vm/guest/workload.js';
const POD_METRICS = '/apis/metrics.k8s.io/v1beta1/pods';
/** A full window of 15 s and what a process needs to come up in an emulated machine. */
const SETTLE_MS = 21_000;
const COUNT_EVERY_MS = 100;
const BIRTHS = 5;
/** What a birth takes, about. */
const BIRTH_MS = 1500;

const BURN_SHARE = 0.3;
const HELD_MIB = 96;

interface Known {
  readonly uid: string;
  readonly containerId: string;
  readonly task: readonly [string, string];
}

const BYSTANDER = { uid: 'a0000001-0b1f-4a44-9d1e-5a7e9c1d0001', containerId: 'a'.repeat(64) };
const BURNER: Known = {
  uid: 'b0000001-0b1f-4a44-9d1e-5a7e9c1d0001',
  containerId: 'b'.repeat(64),
  task: ['burn', String(BURN_SHARE)],
};
const HOLDER: Known = {
  uid: 'c0000001-0b1f-4a44-9d1e-5a7e9c1d0001',
  containerId: 'c'.repeat(64),
  task: ['hold', String(HELD_MIB)],
};

/** What the API said of one pod and what the kernel had counted, as the host's test compares them. */
export interface NumbersResult {
  readonly timestamp: string;
  readonly window: string;
  readonly cpu: string;
  readonly memory: string;
  /** Readings 10 times a second from before the window until after the answer. */
  readonly counted: readonly Counted[];
}

export async function numbers(): Promise<void> {
  // One container is there before: with container cgroups about, they are the pods, not systemd's services.
  makeContainer(BYSTANDER.uid, BYSTANDER.containerId);
  progress('starting the launcher');
  const cluster = await startCluster([]);
  const children: ChildProcess[] = [];
  const births: number[] = [];
  try {
    await until('the metrics API serves', 60_000, async () => cluster.get(POD_METRICS));
    progress('starting the workloads');
    const counted = [BURNER, HOLDER].map((known) => {
      const directory = makeContainer(known.uid, known.containerId);
      children.push(spawn(process.execPath, [WORKLOAD, directory, ...known.task], { stdio: 'ignore' }));
      return { known, directory, readings: [] as Counted[] };
    });
    const counting = setInterval(() => {
      for (const { directory, readings } of counted) readings.push(count(directory));
    }, COUNT_EVERY_MS);
    // Not while the workloads start: an emulated machine takes a second of CPU to start a Node.
    await pause(SETTLE_MS - BIRTHS * BIRTH_MS);
    for (let birth = 0; birth < BIRTHS; birth++) births.push(await firstValueMs(cluster, birth));
    result('first values after ms', births);
    const answers = await until('a value of both pods', 10_000, async () => both(await podMetrics(cluster)));
    clearInterval(counting);
    for (const [index, { known, readings }] of counted.entries()) {
      result(known.task[0], { ...answers[index]!, counted: readings } satisfies NumbersResult);
    }
    result('exit', await cluster.stop());
  } finally {
    for (const child of children) child.kill('SIGKILL');
    if (cluster.running()) await cluster.stop();
    log('launcher', cluster.output().slice(-20_000));
  }
}

/** From the cgroup of a new container being made, its process started at once, to a value of its CPU in the metrics API. */
async function firstValueMs(cluster: Cluster, birth: number): Promise<number> {
  const uid = `d000000${birth}-0b1f-4a44-9d1e-5a7e9c1d0001`;
  const bornAt = performance.now();
  const directory = makeContainer(uid, `d${birth}`.repeat(32));
  const child = spawn('/bin/sh', ['-c', `echo 0 > ${directory}/cgroup.procs; while :; do sleep 0.01; done`]);
  try {
    const used = async (): Promise<true | undefined> => {
      const usage = (await podMetrics(cluster)).find((each) => mentions(each, uid))?.containers[0]?.usage['cpu'];
      return usage === undefined || usage === '0' ? undefined : true;
    };
    await until('a value of a new container', 15_000, used, 20);
    return Math.round(performance.now() - bornAt);
  } finally {
    child.kill('SIGKILL');
  }
}

interface PodMetrics {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly timestamp: string;
  readonly window: string;
  readonly containers: readonly { readonly name: string; readonly usage: Readonly<Record<string, string>> }[];
}

async function podMetrics(cluster: Cluster): Promise<readonly PodMetrics[]> {
  const list = (await cluster.get(POD_METRICS)) as { items: readonly PodMetrics[] } | undefined;
  return list?.items ?? [];
}

/** An observed pod is named after the first group of its uid: the node alone knows no names. */
function mentions(pod: PodMetrics, uid: string): boolean {
  return pod.metadata.name.includes(uid.slice(0, 8));
}

function both(items: readonly PodMetrics[]): readonly Omit<NumbersResult, 'counted'>[] | undefined {
  const found = [BURNER, HOLDER].flatMap(({ uid }) => items.find((each) => mentions(each, uid)) ?? []);
  if (found.length < 2) return undefined;
  return found.map(({ timestamp, window, containers }) => ({
    timestamp,
    window,
    cpu: containers[0]?.usage['cpu'] ?? '',
    memory: containers[0]?.usage['memory'] ?? '',
  }));
}
