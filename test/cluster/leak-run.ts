// One leak and what becomes of it, from all sides: the files of its cgroups as their writers write them (in the guest), the pod as the
// API server tells it, the aggregator's patch in the audit log, the aggregator's own legs from its log. Instants are the host's wall clock, ms:
// the guest tells its own with each line, and how far it is ahead.
import { readFileSync } from 'node:fs';
import type { Pod } from '../../aggregator/standalone/api/objects.ts';
import type { Commanded } from '../e2e/cluster.ts';
import { bytes } from '../e2e/metrics.ts';
import { until } from '../e2e/until.ts';
import { pod } from '../e2e/workloads.ts';
import { followInGuest } from './guest-shell.ts';
import { WORKLOAD } from './node-disk.ts';

export interface LeakShape {
  readonly name: string;
  readonly startMib: number;
  readonly mibPerSecond: number;
  /** What it ends with. */
  readonly mostMib: number;
  readonly limit: string;
  /** It holds what it started with for so long. */
  readonly afterS: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Seen {
  readonly atMs: number;
  /** Bytes. */
  readonly value: number;
}

export interface LeakRun {
  readonly shape: LeakShape;
  readonly startedMs: number;
  readonly memoryCurrent: readonly Seen[];
  readonly podLimit: readonly Seen[];
  readonly containerLimit: readonly Seen[];
  /** `status.containerStatuses[].resources.limits.memory`, where it changed. */
  readonly statusLimit: readonly Seen[];
  readonly pod: Pod;
  /** The guest's wall clock minus the host's, ms: of all lines the one that was the least time on its way tells it best. */
  readonly guestAheadMs: number;
}

/** Of runs at the same time: all were told by the same clock, and the line that was least on its way may be another run's. */
export function byOneClock(runs: readonly LeakRun[]): readonly LeakRun[] {
  const guestAheadMs = Math.max(...runs.map((run) => run.guestAheadMs));
  return runs.map((run) => {
    const [memoryCurrent, podLimit, containerLimit] = [run.memoryCurrent, run.podLimit, run.containerLimit].map(
      (seen) => seen.map(({ atMs, value }) => ({ atMs: atMs + run.guestAheadMs - guestAheadMs, value })),
    ) as [Seen[], Seen[], Seen[]];
    return { ...run, memoryCurrent, podLimit, containerLimit, guestAheadMs };
  });
}

const EACH_MS = 100;
const RUNNING_MS = 120_000;

export const ASKS = { 'headroom.dev/resize': 'true', 'headroom.dev/max-memory': '1Gi' };

export function leakPod({ name, startMib, mibPerSecond, mostMib, limit, afterS, annotations }: LeakShape): object {
  const args = ['leak', startMib, mibPerSecond, mostMib, afterS].map(String);
  const resources = { requests: { cpu: '50m', memory: '32Mi' }, limits: { memory: limit } };
  return pod({ name, ...(annotations ? { annotations } : {}), containers: [{ name: 'main', image: WORKLOAD, args, ...resources }] }); // prettier-ignore
}

/** The pod's cgroup in the guest (cgroupfs driver). */
export function podCgroup({ metadata, status }: Pod): string {
  const qos = status.qosClass === 'Guaranteed' ? '' : `${status.qosClass?.toLowerCase()}/`;
  return `/sys/fs/cgroup/kubepods/${qos}pod${metadata.uid}`;
}

export function containerCgroup(found: Pod, index = 0): string {
  const id = found.status.containerStatuses?.[index]?.containerID?.split('//')[1];
  if (id === undefined) throw new Error(`${found.metadata.name} has no container yet`);
  return `${podCgroup(found)}/${id}`;
}

export const podOf = ({ kube }: Pick<Commanded, 'kube'>, name: string, namespace = 'default'): Promise<Pod> =>
  kube.json('GET', `/api/v1/namespaces/${namespace}/pods/${name}`);

export function running(cluster: Pick<Commanded, 'kube'>, name: string, namespace = 'default'): Promise<Pod> {
  const probe = async (): Promise<Pod | undefined> => {
    const found = await podOf(cluster, name, namespace);
    return found.status.containerStatuses?.every(({ state }) => 'running' in state) ? found : undefined;
  };
  return until(`${name} running`, probe, RUNNING_MS, 100);
}

/** Of a pod that was applied. @param finished asked again and again; the run ends when it says so, or breaks off after `timeoutMs` */
export async function followLeak(
  cluster: Commanded,
  shape: LeakShape,
  finished: (run: LeakRun) => boolean,
  timeoutMs: number,
): Promise<LeakRun> {
  const started = await running(cluster, shape.name);
  const [podFolder, containerFolder] = [podCgroup(started), containerCgroup(started)];
  const seen = { memoryCurrent: [] as Seen[], podLimit: [] as Seen[], containerLimit: [] as Seen[], statusLimit: [] as Seen[] }; // prettier-ignore
  const run = { shape, startedMs: Date.now(), pod: started, guestAheadMs: -Infinity, ...seen };
  const targets = new Map([
    [`${containerFolder}/memory.current`, seen.memoryCurrent],
    [`${podFolder}/memory.max`, seen.podLimit],
    [`${containerFolder}/memory.max`, seen.containerLimit],
  ]);
  const [polled, ...written] = targets.keys();
  const follow = followInGuest(`cgroup_watch --each ${EACH_MS} ${polled} ${written.join(' ')}`, (line) => {
    const [stamp, file = '', value] = line.split(' ');
    const atMs = Number(stamp);
    if (!Number.isFinite(atMs)) return;
    run.guestAheadMs = Math.max(run.guestAheadMs, atMs - Date.now());
    const number = value === 'max' ? Infinity : Number(value || NaN);
    if (!Number.isNaN(number)) targets.get(file)?.push({ atMs, value: number });
  });
  const watch = cluster.kube.watch<Pod>(`/api/v1/namespaces/default/pods?fieldSelector=metadata.name=${shape.name}`, {
    onObject: (changed) => {
      run.pod = changed;
      const limit = changed.status.containerStatuses?.[0]?.resources?.limits?.['memory'];
      const value = limit === undefined ? NaN : bytes(limit);
      if (value !== seen.statusLimit.at(-1)?.value) seen.statusLimit.push({ atMs: Date.now(), value });
    },
    onGone: () => undefined,
  });
  try {
    await until(`${shape.name} coming to its end`, () => finished(run) || undefined, timeoutMs, EACH_MS);
    if (run.guestAheadMs === -Infinity) throw new Error(`cgroup_watch told nothing of ${shape.name}`);
    const onHost = (told: readonly Seen[]): readonly Seen[] =>
      told.map(({ atMs, value }) => ({ atMs: atMs - run.guestAheadMs, value }));
    const { memoryCurrent, podLimit, containerLimit } = seen;
    return { ...run, memoryCurrent: onHost(memoryCurrent), podLimit: onHost(podLimit), containerLimit: onHost(containerLimit) }; // prettier-ignore
  } finally {
    follow.close();
    watch.close();
  }
}

export function wasKilled({ pod: found }: LeakRun): boolean {
  const { state, lastState } = found.status.containerStatuses![0]!;
  return [state, lastState].some(({ terminated }) => terminated?.reason === 'OOMKilled');
}

interface AuditEvent {
  readonly verb: string;
  readonly stage: string;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly objectRef?: { readonly subresource?: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** The aggregators' patches of the pod's resize that the API server has answered, from its audit log. */
function resizes(
  { controlPlane }: Pick<Commanded, 'controlPlane'>,
  name: string,
  namespace: string,
): readonly AuditEvent[] {
  return readFileSync(controlPlane.auditFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"subresource":"resize"'))
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ verb, stage }) => verb === 'patch' && stage === 'ResponseComplete')
    .filter(({ objectRef }) => objectRef?.name === name && objectRef.namespace === namespace);
}

/** The answers' codes. */
export function resizeAnswers(
  cluster: Pick<Commanded, 'controlPlane'>,
  name: string,
  namespace = 'default',
): readonly number[] {
  return resizes(cluster, name, namespace).map(({ responseStatus }) => responseStatus?.code ?? 0);
}

export interface AcceptedPatch {
  /** When the answer was out. */
  readonly atMs: number;
  /** Since the API server had the request. */
  readonly tookMs: number;
}

export function acceptedPatches(cluster: Pick<Commanded, 'controlPlane'>, name: string): readonly AcceptedPatch[] {
  return resizes(cluster, name, 'default')
    .filter(({ responseStatus }) => responseStatus?.code === 200)
    .map(({ requestReceivedTimestamp, stageTimestamp }) => {
      const atMs = Date.parse(stageTimestamp);
      return { atMs, tookMs: atMs - Date.parse(requestReceivedTimestamp) };
    });
}
