// What a kubelet reports of a pod it runs: phase, conditions, container statuses. Source: core/v1 PodStatus; KEP 1287 conditions.
import type { Condition, Container, ContainerStatus, PodStatus, ResourceRequirements } from '../api/objects.ts';
import { secondsOf } from '../api/object-store.ts';
import type { Ending, Run } from './container-process.ts';

/** A container as it is now. */
export interface ContainerOutlook {
  readonly spec: Container;
  readonly run: Run | undefined;
  readonly last: Ending | undefined;
  /** It ended and is not started again. */
  readonly over: boolean;
  readonly restartCount: number;
  readonly started: boolean;
  readonly ready: boolean;
}

export interface ContainerView extends ContainerOutlook {
  /** What the kubelet agreed to. */
  readonly allocated: ResourceRequirements;
  /** What the kernel was told. */
  readonly actuated: ResourceRequirements;
}

export interface PodAddresses {
  readonly hostIP: string;
  /** undefined: the pod has none of its own to tell. */
  readonly podIP: string | undefined;
}

export function containerStatus(view: ContainerView): ContainerStatus {
  const { spec, run, last, over, restartCount, allocated, actuated, started, ready } = view;
  const ended = over && !run ? last : undefined;
  const containerId = run?.containerId ?? ended?.containerId;
  return {
    name: spec.name,
    image: spec.image,
    imageID: '',
    ...(containerId === undefined ? {} : { containerID: `headroom://${containerId}` }),
    ready,
    started,
    restartCount,
    state: stateOf(run, last, ended),
    lastState: last && !ended ? { terminated: terminated(last) } : {},
    resources: actuated,
    ...(allocated.requests ? { allocatedResources: allocated.requests } : {}),
  };
}

function stateOf(run: Run | undefined, last: Ending | undefined, ended: Ending | undefined): ContainerStatus['state'] {
  if (run) return { running: { startedAt: secondsOf(run.startedAtMs) } };
  if (ended) return { terminated: terminated(ended) };
  return { waiting: { reason: last ? 'CrashLoopBackOff' : 'ContainerCreating' } };
}

function terminated({
  exitCode,
  reason,
  startedAtMs,
  finishedAtMs,
  containerId,
}: Ending): NonNullable<ContainerStatus['lastState']['terminated']> {
  return {
    exitCode,
    reason,
    startedAt: secondsOf(startedAtMs),
    finishedAt: secondsOf(finishedAtMs),
    containerID: `headroom://${containerId}`,
  };
}

export type ResizeCondition = Pick<Condition, 'type' | 'reason' | 'message' | 'observedGeneration'> & {
  readonly type: 'PodResizePending' | 'PodResizeInProgress';
};

const RESIZE_CONDITIONS = ['PodResizePending', 'PodResizeInProgress'];

/** The kubelet's own conditions; the resize conditions are present only while they hold, those of others stay. */
export function podConditions(
  state: { readonly initialized: boolean; readonly ready: boolean },
  resize: readonly ResizeCondition[],
  old: readonly Condition[],
  wallTimeMs: number,
): readonly Condition[] {
  const at = secondsOf(wallTimeMs);
  const own: readonly Omit<Condition, 'lastTransitionTime'>[] = [
    ...resize.map((condition) => ({ ...condition, status: 'True' as const })),
    { type: 'PodReadyToStartContainers', status: 'True' },
    { type: 'Initialized', status: truth(state.initialized) },
    { type: 'Ready', status: truth(state.ready) },
    { type: 'ContainersReady', status: truth(state.ready) },
    { type: 'PodScheduled', status: 'True' },
  ];
  const dated = own.map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    return { ...condition, lastTransitionTime: before?.status === condition.status ? before.lastTransitionTime : at };
  });
  const foreign = old.filter(({ type }) => !RESIZE_CONDITIONS.includes(type) && !own.some((one) => one.type === type));
  return [...dated, ...foreign];
}

function truth(holds: boolean): 'True' | 'False' {
  return holds ? 'True' : 'False';
}

export interface PodOutlook {
  readonly init: readonly ContainerView[];
  readonly main: readonly ContainerView[];
  readonly resize: readonly ResizeCondition[];
  readonly observedGeneration: number;
  readonly addresses: PodAddresses;
}

export function podStatus(outlook: PodOutlook, old: PodStatus, wallTimeMs: number): PodStatus {
  const { init, main, resize, observedGeneration, addresses } = outlook;
  const containerStatuses = main.map(containerStatus);
  const initContainerStatuses = init.map(containerStatus);
  const initialized = init.every(({ started, ready }) => started || ready);
  const ready = initialized && containerStatuses.every((status) => status.ready);
  return {
    ...old,
    phase: phaseOf(init, main),
    observedGeneration,
    conditions: podConditions({ initialized, ready }, resize, old.conditions ?? [], wallTimeMs),
    containerStatuses,
    ...(init.length > 0 ? { initContainerStatuses } : {}),
    hostIP: addresses.hostIP,
    ...(addresses.podIP === undefined ? {} : { podIP: addresses.podIP, podIPs: [{ ip: addresses.podIP }] }),
    startTime: old.startTime ?? secondsOf(wallTimeMs),
  };
}

function phaseOf(init: readonly ContainerView[], main: readonly ContainerView[]): string {
  const failed = ({ over, last }: ContainerView): boolean => over && last?.exitCode !== 0;
  if (main.every(({ over }) => over)) return main.some(failed) ? 'Failed' : 'Succeeded';
  if (init.some(failed)) return 'Failed';
  return main.some(({ run, last }) => run || last) ? 'Running' : 'Pending';
}
