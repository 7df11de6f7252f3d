// Shortage → decision. Pure. Only raises, one container and one resource at a time; what the API server and the kubelet
// refuse (ValidatePodResize, PodResizeValidator, KEP 1287 infeasible resizes) is not even asked for.
import type { Shortage } from '../../agent/protocol/shortage.ts';
import type { ContainerRecord, NodeRecord, PodRecord, ResourceAmounts } from '../kube/records.ts';
import type { Observation } from '../store/observation.ts';
import type { Attempt } from './attempts.ts';
import { readPolicy } from './policy.ts';
import { qosClassOf } from './qos.ts';
import { amountOf, amountsWith, describeAmount } from './resource.ts';
import { isShortOf, needOf, wantedLimit } from './target.ts';

/** What changes, and only that. */
export interface ResizeTarget {
  readonly container: string;
  readonly requests: ResourceAmounts;
  readonly limits: ResourceAmounts;
}

/**
 * - `not-asked`: no annotation asks for resizing; nobody needs to hear of it.
 * - `no-maximum`, `malformed-maximum`: the annotation that bounds the resource.
 * - `pod-state`, `container-state`, `unsupported`: this pod, container or node can't be resized.
 * - `restart`: the container would be restarted and the pod does not allow that.
 * - `no-limit`: the container has no limit of this resource.
 * - `at-maximum`, `node-allocatable`: the bound leaves no raise worth a patch.
 * - `node-unknown`: the node's allocatable resources are not known.
 * - `qos`: the pod's QoS class would change, or is not what its containers say.
 */
export type SkipCode =
  | 'not-asked'
  | 'no-maximum'
  | 'malformed-maximum'
  | 'pod-state'
  | 'container-state'
  | 'unsupported'
  | 'restart'
  | 'no-limit'
  | 'at-maximum'
  | 'node-allocatable'
  | 'node-unknown'
  | 'qos';

interface Skip {
  readonly action: 'skip';
  readonly code: SkipCode;
  readonly reason: string;
}

interface Wait {
  readonly action: 'wait';
  readonly reason: string;
  readonly untilMs: number;
}

export type ResizeDecision =
  { readonly action: 'resize'; readonly target: ResizeTarget; readonly reason: string } | Wait | Skip;

export interface ResizeQuestion {
  readonly pod: PodRecord;
  /** One of `pod.containers`. */
  readonly container: ContainerRecord;
  readonly shortage: Shortage;
  readonly observation: Observation | undefined;
  /** The pod's node. */
  readonly node: NodeRecord | undefined;
  readonly attempt: Attempt | undefined;
  /** CLOCK_BOOTTIME in ms, as in `attempt.untilMs`. */
  readonly nowMs: number;
}

/** A smaller raise is not worth a patch. */
const LEAST_RAISE = 1.05;
/** How long a change that is on its way is left alone, ms. */
const SETTLE_MS = 1000;
const PENDING_MS = 5000;
/** memory.max is rounded down to pages, at most 64 KiB; cpu.max never by more than a microsecond of its period. */
const LAG_SLACK = { memory: 64 * 1024, cpu: 0.5 };
/** An older reading says nothing of what is needed now, ms. */
const OBSERVED_FRESH_MS = 15_000;

export function decideResize(question: ResizeQuestion): ResizeDecision {
  const { pod, container, shortage } = question;
  const { resource } = shortage;
  const policy = readPolicy(pod, container.name, resource);
  if (policy.kind === 'not-asked') return skip('not-asked', 'the pod does not ask to be resized');
  if (policy.kind !== 'granted') return skip(policy.kind, policy.reason);
  const hindrance = podHindrance(pod) ?? containerHindrance(container, resource, policy.allowRestart);
  if (hindrance) return hindrance;
  const limit = amountOf(container.limits, resource);
  if (limit === undefined || limit <= 0) return skip('no-limit', `the container has no ${resource} limit`);
  const reason = reasonToWait(question, limit);
  if (reason) return reason;
  return step(question, limit, policy.max, policy.maxFrom);
}

function podHindrance(pod: PodRecord): Skip | undefined {
  if (pod.terminating) return skip('pod-state', 'the pod is terminating');
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed') return skip('pod-state', `the pod has ended (${pod.phase})`);
  if (pod.isMirror || pod.configHash !== undefined) return skip('unsupported', 'static pods cannot be resized');
  if (pod.isWindows) return skip('unsupported', 'windows pods cannot be resized');
  if (pod.hasPodLevelResources) return skip('unsupported', 'the pod has pod-level resources');
  if (pod.containers.some(({ hasClaims }) => hasClaims)) return skip('unsupported', 'the pod has resource claims');
  if (pod.qosClass !== 'Guaranteed' && pod.qosClass !== 'Burstable') {
    return skip('qos', `a pod of QoS class ${pod.qosClass || 'unknown'} is never resized`);
  }
  return undefined;
}

function containerHindrance(
  container: ContainerRecord,
  resource: Shortage['resource'],
  allowRestart: boolean,
): Skip | undefined {
  if (container.kind === 'init') return skip('unsupported', 'init containers are not resized');
  if (!container.running) return skip('container-state', 'the container is not running');
  if (!container.resizable) return skip('unsupported', 'the node does not support resizing this container');
  if (container.restartOnResize[resource] && !allowRestart) {
    return skip('restart', `its resizePolicy restarts the container for ${resource}, and the pod does not allow that`);
  }
  return undefined;
}

function reasonToWait({ pod, shortage, attempt, nowMs }: ResizeQuestion, limit: number): Wait | undefined {
  if (attempt?.inFlight) return wait(attempt.reason, nowMs + SETTLE_MS);
  if (attempt && nowMs < attempt.untilMs) return wait(`backing off: ${attempt.reason}`, attempt.untilMs);
  const pending = pod.resizeConditions.find(
    // A failed actuation is no reason: a raise is what gets a pod out of a lowering that can't be done.
    ({ type, reason }) => type === 'PodResizePending' || (type === 'PodResizeInProgress' && reason !== 'Error'),
  );
  if (pending)
    return wait(
      `the node has yet to do an earlier resize: ${pending.type} ${pending.reason}`.trim(),
      nowMs + PENDING_MS,
    );
  if (shortage.limit < limit - LAG_SLACK[shortage.resource]) {
    return wait('the limit in force on the node is below the spec: an earlier resize is on its way', nowMs + SETTLE_MS);
  }
  return undefined;
}

function step(question: ResizeQuestion, limit: number, max: number, maxFrom: string): ResizeDecision {
  const { pod, container, shortage, node } = question;
  const { resource } = shortage;
  const allocatable = node && amountOf(node.allocatable, resource);
  if (allocatable === undefined)
    return skip('node-unknown', `allocatable ${resource} of node ${pod.nodeName} is not known`);
  const guaranteed = pod.qosClass === 'Guaranteed';
  const room = Math.floor(guaranteed ? allocatable - othersRequests(pod, container, resource) : allocatable);
  const need = needOf(shortage, freshObservation(question));
  const wanted = Math.min(wantedLimit(shortage, need, limit), max, room);
  if (wanted < limit * LEAST_RAISE || wanted < need) {
    const bound = describeAmount(resource, Math.min(max, room));
    return max <= room
      ? skip('at-maximum', `at maximum: ${maxFrom} allows ${bound}`)
      : skip('node-allocatable', `node ${pod.nodeName} can give this container at most ${bound}`);
  }
  if (!isShortOf(shortage, need, limit))
    return wait("the need is far below the spec's limit", question.nowMs + SETTLE_MS);
  const limits = amountsWith(resource, wanted);
  const target = { container: container.name, limits, requests: guaranteed ? limits : {} };
  if (qosClassOf(pod.containers) !== pod.qosClass || qosClassOf(resized(pod, target)) !== pod.qosClass) {
    return skip('qos', `the pod's QoS class ${pod.qosClass} would not be kept`);
  }
  const bound = wanted < Math.min(max, room) ? '' : max <= room ? ` (${maxFrom})` : ' (all that the node has)';
  return { action: 'resize', target, reason: whyRaised(shortage, need, limit, wanted) + bound };
}

function freshObservation({ observation, nowMs }: ResizeQuestion): Observation | undefined {
  return observation && nowMs - observation.receivedMonoMs <= OBSERVED_FRESH_MS ? observation : undefined;
}

function othersRequests(pod: PodRecord, container: ContainerRecord, resource: Shortage['resource']): number {
  return pod.containers
    .filter(({ kind, name }) => kind !== 'init' && name !== container.name)
    .reduce((sum, { requests }) => sum + (amountOf(requests, resource) ?? 0), 0);
}

function resized({ containers }: PodRecord, target: ResizeTarget): Pick<ContainerRecord, 'requests' | 'limits'>[] {
  return containers.map(({ name, requests, limits }) =>
    name === target.container
      ? { requests: { ...requests, ...target.requests }, limits: { ...limits, ...target.limits } }
      : { requests, limits },
  );
}

function whyRaised(shortage: Shortage, need: number, limit: number, wanted: number): string {
  const { resource, kind, rate, secondsToHarm } = shortage;
  const amount = (value: number): string => describeAmount(resource, value);
  const pace =
    resource === 'memory'
      ? rate > 0
        ? `growing ${amount(rate)}/s, ${Math.round(secondsToHarm * 10) / 10} s to the limit`
        : 'not growing'
      : `throttled in ${Math.round(rate * 100)} % of periods`;
  // What a throttled container would use is not known: it never gets the chance.
  const use = resource === 'memory' ? `needs ${amount(need)} of` : `uses ${amount(need)} of`;
  return `${resource} ${kind}: ${use} ${amount(limit)}, ${pace}; limit to ${amount(wanted)}`;
}

function skip(code: SkipCode, reason: string): Skip {
  return { action: 'skip', code, reason };
}

function wait(reason: string, untilMs: number): Wait {
  return { action: 'wait', reason, untilMs };
}
