// Why a pod has no metrics. Pure. A pod needs a fresh point of each container that runs; where its node is silent, that is why.
import type { ContainerRecord, PodRecord } from '../kube/records.ts';
import type { PodGap } from '../store/gaps.ts';
import type { NodeKnowledge } from './why-node.ts';
import { sourceOf, whySilent } from './why-node.ts';
import type { PodWhy } from './why.ts';

/** What a projection may tell of a container that waits: the kubelet's reason, e.g. "ImagePullBackOff". */
type Waiting = { readonly waiting?: string };

/** @param knowledgeOf the node that the pod is bound to */
export function whyPod(
  { record, first }: PodGap,
  knowledgeOf: (node: string) => NodeKnowledge,
  nowWallMs: number,
): PodWhy {
  if (record.nodeName === '') return { reason: 'not_scheduled' };
  if (first === undefined) return notStarted(record);
  const { container, gap } = first;
  const node = knowledgeOf(record.nodeName);
  if (sourceOf(node) === 'none') {
    return { reason: 'node', node: record.nodeName, because: whySilent(node, nowWallMs) };
  }
  switch (gap.kind) {
    case 'no_slot':
      return isCreated(record, container)
        ? { reason: 'store_full', container }
        : { reason: 'container_not_started', container, waiting: '' };
    case 'no_row':
      return { reason: 'not_reported', container };
    case 'no_rate':
      return { reason: 'younger_than_first_value', container };
    case 'stale':
      return { reason: 'stale_readings', container, ageMs: gap.ageMs };
  }
}

function notStarted({ containers, phase }: PodRecord): PodWhy {
  // An init container that has not ended keeps the others waiting; what runs in a pod that is not Running is one.
  const waiters = containers.filter(({ running }) => !running);
  const blamed = waiters.find((one) => waitingOf(one) !== '') ?? waiters[0];
  const waiting = blamed === undefined ? `the pod is ${phase}` : waitingOf(blamed);
  return { reason: 'container_not_started', container: blamed?.name ?? containers[0]?.name ?? '', waiting };
}

function waitingOf(container: ContainerRecord & Waiting): string {
  return container.waiting ?? '';
}

function isCreated({ containers }: PodRecord, name: string): boolean {
  return containers.some((one) => one.name === name && one.containerId !== '');
}
