// What became of an accepted resize: from the pod's conditions (KEP 1287), and done only when the agent reads the new
// limit in the container's own cgroup. The patch's answer says nothing of it.
import type { PodRecord } from '../kube/records.ts';
import type { Observation } from '../store/observation.ts';
import type { ResizeTarget } from './decide.ts';

/**
 * - `applied`: the cgroup has the target.
 * - `in-progress`: not yet, and nothing says that it will not be.
 * - `deferred`: no room on the node now; the kubelet tries again.
 * - `infeasible`: the kubelet will not do it.
 * - `refused`: the API server said no.
 * - `error`: actuation failed; the kubelet tries again.
 * - `superseded`: somebody else changed the limit in the spec.
 */
export interface ResizeOutcome {
  readonly kind: 'applied' | 'in-progress' | 'deferred' | 'infeasible' | 'refused' | 'error' | 'superseded';
  readonly reason: string;
}

/** The kernel rounds memory.max down to pages (64 KiB at most). */
const PAGE_BYTES = 64 * 1024;
/** The systemd driver rounds cpu.max up to a multiple of 10 ms a second. */
const CPU_STEP_MILLIS = 10;
const CPU_NOISE_MILLIS = 0.5;

/** @param generation `metadata.generation` that the patch's answer had: older status says nothing of this resize */
export function resizeOutcome(
  pod: PodRecord,
  target: ResizeTarget,
  observation: Observation | undefined,
  generation = 0,
): ResizeOutcome {
  if (observation && isInCgroup(target, observation))
    return { kind: 'applied', reason: 'the cgroup has the new limit' };
  const container = pod.containers.find(({ name }) => name === target.container);
  const { memoryBytes, cpuMillis } = target.limits;
  if (pod.generation >= generation && container) {
    const { limits } = container;
    if (
      (memoryBytes ?? limits.memoryBytes) !== limits.memoryBytes ||
      (cpuMillis ?? limits.cpuMillis) !== limits.cpuMillis
    ) {
      return { kind: 'superseded', reason: 'somebody else changed the limit in the spec' };
    }
  }
  if (pod.observedGeneration < generation) return { kind: 'in-progress', reason: 'the kubelet has not seen it yet' };
  return (
    fromConditions(pod) ?? { kind: 'in-progress', reason: 'the agent has not read the new limit in the cgroup yet' }
  );
}

function isInCgroup({ limits }: ResizeTarget, { memoryLimitBytes, cpuLimitMillis }: Observation): boolean {
  const memory =
    limits.memoryBytes === undefined ||
    (memoryLimitBytes <= limits.memoryBytes && memoryLimitBytes > limits.memoryBytes - PAGE_BYTES);
  const cpu =
    limits.cpuMillis === undefined ||
    (cpuLimitMillis >= limits.cpuMillis - CPU_NOISE_MILLIS && cpuLimitMillis <= limits.cpuMillis + CPU_STEP_MILLIS);
  return memory && cpu;
}

function fromConditions({ resizeConditions }: PodRecord): ResizeOutcome | undefined {
  const pending = resizeConditions.find(({ type }) => type === 'PodResizePending');
  if (pending) {
    return {
      kind: pending.reason === 'Infeasible' ? 'infeasible' : 'deferred',
      reason: pending.message || pending.reason,
    };
  }
  const progress = resizeConditions.find(({ type }) => type === 'PodResizeInProgress');
  if (!progress) return undefined;
  if (progress.reason === 'Error') return { kind: 'error', reason: progress.message || 'actuation failed' };
  return { kind: 'in-progress', reason: progress.message || 'the kubelet is at it' };
}
