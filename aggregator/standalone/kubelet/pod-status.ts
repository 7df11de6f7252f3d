// What a kubelet reports of a pod it runs: phase, conditions, container statuses. Source: core/v1 PodStatus; KEP 1287 conditions.
import type { Condition, Container, ContainerStatus, PodStatus, ResourceRequirements } from '../api/objects.ts';
import { secondsOf } from '../api/object-store.ts';
import type { Ending, Run } from './container-process.ts';

export interface ContainerView {
  readonly spec: Container;
  readonly run: Run | undefined;
  readonly last: Ending | undefined;
  readonly restartCount: number;
  /** What the kubelet agreed to. */
  readonly allocated: ResourceRequirements;
  /** What the kernel was told. */
  readonly actuated: ResourceRequirements;
}

export function containerStatus(view: ContainerView): ContainerStatus {
  const { spec, run, last, restartCount, allocated, actuated } = view;
  return {
    name: spec.name,
    image: spec.image,
    imageID: '',
    ...(run ? { containerID: `headroom://${run.containerId}` } : {}),
    ready: run !== undefined,
    started: run !== undefined,
    restartCount,
    state: run
      ? { running: { startedAt: secondsOf(run.startedAtMs) } }
      : { waiting: { reason: last ? 'CrashLoopBackOff' : 'ContainerCreating' } },
    lastState: last ? { terminated: terminated(last) } : {},
    resources: actuated,
    ...(allocated.requests ? { allocatedResources: allocated.requests } : {}),
  };
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

/** Conditions of a pod whose containers all run, or not; the resize conditions are present only while they hold. */
export function podConditions(
  ready: boolean,
  resize: readonly ResizeCondition[],
  old: readonly Condition[],
  wallTimeMs: number,
): readonly Condition[] {
  const at = secondsOf(wallTimeMs);
  const wanted: readonly Omit<Condition, 'lastTransitionTime'>[] = [
    ...resize.map((condition) => ({ ...condition, status: 'True' as const })),
    { type: 'PodReadyToStartContainers', status: 'True' },
    { type: 'Initialized', status: 'True' },
    { type: 'Ready', status: ready ? 'True' : 'False' },
    { type: 'ContainersReady', status: ready ? 'True' : 'False' },
    { type: 'PodScheduled', status: 'True' },
  ];
  return wanted.map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    return { ...condition, lastTransitionTime: before?.status === condition.status ? before.lastTransitionTime : at };
  });
}

export function runningStatus(
  containers: readonly ContainerView[],
  resize: readonly ResizeCondition[],
  observedGeneration: number,
  old: PodStatus,
  wallTimeMs: number,
): PodStatus {
  const containerStatuses = containers.map(containerStatus);
  const ready = containerStatuses.every((status) => status.ready);
  return {
    ...old,
    phase: 'Running',
    observedGeneration,
    conditions: podConditions(ready, resize, old.conditions ?? [], wallTimeMs),
    containerStatuses,
    hostIP: '127.0.0.1',
    startTime: old.startTime ?? secondsOf(wallTimeMs),
  };
}
