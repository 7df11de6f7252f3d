// In which order a resize reaches the cgroups. Source: kubelet doPodResizeAction and its measured behaviour: memory before CPU;
// the pod is raised before its containers, lowered after them; containers go down before others go up.
import type { ComputeResource } from '../api/pod-resources.ts';
import { amountOf, podLimit, podRequest } from '../api/pod-resources.ts';
import type { ResourceRequirements } from '../api/objects.ts';
import type { Knob } from './cgroup-writer.ts';

export interface Step {
  /** '' for the pod's own cgroup. */
  readonly container: string;
  readonly knob: Knob;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

export interface NamedResources {
  readonly name: string;
  readonly resources?: ResourceRequirements;
}

/** Both lists name the same containers in the same order. */
export function resizeSteps(before: readonly NamedResources[], after: readonly NamedResources[]): readonly Step[] {
  return [
    ...limitSteps('memory', 'memory.limit', before, after),
    ...ordered(
      [
        podStep('cpu.limit', podLimit(before, 'cpu'), podLimit(after, 'cpu')),
        podStep('cpu.request', podRequest(before, 'cpu'), podRequest(after, 'cpu')),
      ],
      [
        ...containerSteps('cpu', 'limits', 'cpu.limit', before, after),
        ...containerSteps('cpu', 'requests', 'cpu.request', before, after),
      ],
    ),
  ];
}

function limitSteps(
  resource: ComputeResource,
  knob: Knob,
  before: readonly NamedResources[],
  after: readonly NamedResources[],
): readonly Step[] {
  return ordered(
    [podStep(knob, podLimit(before, resource), podLimit(after, resource))],
    containerSteps(resource, 'limits', knob, before, after),
  );
}

function ordered(pod: readonly Step[], containers: readonly Step[]): readonly Step[] {
  const changed = (step: Step): boolean => step.from !== step.to;
  return [
    ...pod.filter(raises),
    ...containers.filter((step) => !raises(step)),
    ...containers.filter(raises),
    ...pod.filter((step) => !raises(step)).toReversed(),
  ].filter(changed);
}

/** No limit is the highest. */
function raises({ from, to }: Step): boolean {
  return (to ?? Infinity) > (from ?? Infinity);
}

function podStep(knob: Knob, from: number | undefined, to: number | undefined): Step {
  // The pod's own limit exists only while every container has one; a resize does not take it away.
  return { container: '', knob, from, to: to ?? from };
}

function containerSteps(
  resource: ComputeResource,
  kind: 'requests' | 'limits',
  knob: Knob,
  before: readonly NamedResources[],
  after: readonly NamedResources[],
): readonly Step[] {
  return after.map(({ name, resources }, at) => ({
    container: name,
    knob,
    from: amountOf(before[at]?.resources?.[kind], resource),
    to: amountOf(resources?.[kind], resource),
  }));
}
