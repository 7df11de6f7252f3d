// `npm start -- --demo` in the guest, watched from outside: the API's pods beside the kernel's own files of each demo cgroup.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CGROUP_ROOT, keyed } from './cgroup.ts';
import { startCluster } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { log, progress, result } from './say.ts';
import { pause, until } from './until.ts';

const PODS = '/api/v1/namespaces/demo/pods';
const EVENTS = '/api/v1/namespaces/demo/events';
const LEAK = 'leak';
const POLL_MS = 100;
/** From the leak's start to its first raise: at 10 MiB/s a limit of some 64 MiB is in reach after six seconds. */
const RAISE_MS = 60_000;
/** The raise has to hold: the leak goes on meanwhile. */
const HOLD_MS = 20_000;

/** One demo pod as the API and the kernel saw it at one time. */
export interface DemoPod {
  readonly name: string;
  readonly restartCount: number;
  readonly specMemoryLimit: string;
  readonly specCpuLimit: string;
  /** memory.max and cpu.max of the container's cgroup, as written there. */
  readonly memoryMax: string;
  readonly cpuMax: string;
  readonly memoryCurrent: number;
  readonly oomKills: number;
}

export interface DemoResult {
  readonly before: readonly DemoPod[];
  readonly raised: readonly DemoPod[];
  readonly after: readonly DemoPod[];
  /** From the demo pods' first sight to the new memory.max, ms. */
  readonly raisedAfterMs: number;
  /** Growth of memory.current over the two seconds in which it was steepest: the rest includes starting and starving. */
  readonly leakRateMibPerS: number;
  readonly events: readonly { readonly pod: string; readonly reason: string; readonly message: string }[];
  /** The legs of the leak's first resize as the aggregator logged them: signal → received → decided → accepted → confirmed, ms. */
  readonly legs: Readonly<Record<string, number>>;
  /** Why, in the aggregator's words. */
  readonly reason: string;
}

export async function demo(): Promise<void> {
  const cluster = await startCluster(['--demo']);
  try {
    const before = await until('the demo pods run', 60_000, () => demoPods(cluster));
    const seenAt = performance.now();
    progress(`demo pods: ${before.map((pod) => `${pod.name} ${pod.memoryMax}`).join(', ')}`);
    const leak = named(before, LEAK);
    const directory = containerDirectory(await leakContainerId(cluster));
    const memory: Reading[] = [];
    const sampling = setInterval(() => {
      memory.push([performance.now(), Number(read(directory, 'memory.current'))]);
    }, POLL_MS);
    const raisedAfterMs = await until(
      'the leak’s memory.max is raised',
      RAISE_MS,
      () => (read(directory, 'memory.max') === leak.memoryMax ? undefined : performance.now() - seenAt),
      POLL_MS,
    );
    progress(`raised after ${Math.round(raisedAfterMs)} ms`);
    const raised = (await demoPods(cluster)) ?? [];
    await pause(HOLD_MS);
    clearInterval(sampling);
    const after = await until('the demo pods still run', 10_000, () => demoPods(cluster));
    const answer: DemoResult = {
      before,
      raised,
      after,
      raisedAfterMs: Math.round(raisedAfterMs),
      leakRateMibPerS: steepest(memory),
      events: await events(cluster),
      ...confirmedResize(cluster.output()),
    };
    result('demo', answer);
    result('exit', await cluster.stop());
    result('left behind', ownCgroups());
  } finally {
    if (cluster.running()) await cluster.stop();
    log('launcher', cluster.output().slice(-30_000));
  }
}

/** From the aggregator's line `resize confirmed`, which it writes when the node's cgroup has the new limit. */
function confirmedResize(output: string): Pick<DemoResult, 'legs' | 'reason'> {
  const line = output
    .split('\n')
    .find((each) => each.includes('"resize confirmed"') && each.includes(`"demo/${LEAK}"`));
  if (line === undefined) throw new Error('the aggregator logged no confirmed resize of the leak');
  const fields = JSON.parse(line) as Record<string, unknown>;
  const legs = Object.entries(fields).flatMap(([name, value]) =>
    name.endsWith('Ms') && typeof value === 'number' ? [[name, value] as const] : [],
  );
  return { legs: Object.fromEntries(legs), reason: String(fields['reason']) };
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly containers: readonly { readonly resources?: { readonly limits?: Record<string, string> } }[];
  };
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly containerID?: string;
      readonly restartCount: number;
      readonly state?: { readonly running?: unknown };
    }[];
  };
}

/** @returns undefined until every demo pod runs in a cgroup of its own */
async function demoPods(cluster: Cluster): Promise<readonly DemoPod[] | undefined> {
  const pods = await list<Pod>(cluster, PODS);
  const found = pods.map(demoPod);
  return pods.length === 0 || found.includes(undefined) ? undefined : (found as DemoPod[]);
}

function demoPod({ metadata, spec, status }: Pod): DemoPod | undefined {
  const container = status.containerStatuses?.[0];
  if (container?.containerID === undefined || container.state?.running === undefined) return undefined;
  const directory = containerDirectory(container.containerID);
  const limits = spec.containers[0]?.resources?.limits ?? {};
  return {
    name: metadata.name,
    restartCount: container.restartCount,
    specMemoryLimit: limits['memory'] ?? '',
    specCpuLimit: limits['cpu'] ?? '',
    memoryMax: read(directory, 'memory.max'),
    cpuMax: read(directory, 'cpu.max'),
    memoryCurrent: Number(read(directory, 'memory.current')),
    oomKills: keyed(directory, 'memory.events', 'oom_kill'),
  };
}

async function leakContainerId(cluster: Cluster): Promise<string> {
  const pod = (await list<Pod>(cluster, PODS)).find(({ metadata }) => metadata.name === LEAK);
  return pod?.status.containerStatuses?.[0]?.containerID ?? '';
}

async function events(cluster: Cluster): Promise<DemoResult['events']> {
  const found = await list<{ involvedObject: { name: string }; reason: string; message: string }>(cluster, EVENTS);
  return found.map(({ involvedObject, reason, message }) => ({ pod: involvedObject.name, reason, message }));
}

async function list<T>(cluster: Cluster, path: string): Promise<readonly T[]> {
  return ((await cluster.get(path)) as { items?: readonly T[] } | undefined)?.items ?? [];
}

/** @param id `<runtime>://<64 hex>` @throws Error when no cgroup has that name */
function containerDirectory(id: string): string {
  const wanted = id.slice(id.lastIndexOf('/') + 1);
  const found = wanted && directoriesBelow(CGROUP_ROOT).find((directory) => directory.endsWith(`/${wanted}`));
  if (!found) throw new Error(`no cgroup of container "${id}"`);
  return found;
}

/** What a launcher made and has to have removed by its end. */
function ownCgroups(): readonly string[] {
  return directoriesBelow(CGROUP_ROOT).filter((directory) => /\/headroom/.test(directory));
}

function directoriesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const child = join(directory, entry.name);
      return [child, ...directoriesBelow(child)];
    });
}

function read(directory: string, file: string): string {
  return readFileSync(join(directory, file), 'latin1').trim();
}

function named(pods: readonly DemoPod[], name: string): DemoPod {
  const found = pods.find((pod) => pod.name === name);
  if (!found) throw new Error(`no demo pod ${name}: there are ${pods.map((pod) => pod.name).join(', ')}`);
  return found;
}

type Reading = readonly [ms: number, bytes: number];

const STRETCH_MS = 2000;

function steepest(memory: readonly Reading[]): number {
  const rates = memory.map(([ms, bytes], index) => {
    const later = memory.slice(index).find(([laterMs]) => laterMs >= ms + STRETCH_MS);
    return later ? (later[1] - bytes) / 2 ** 20 / ((later[0] - ms) / 1000) : 0;
  });
  return Math.max(...rates);
}
