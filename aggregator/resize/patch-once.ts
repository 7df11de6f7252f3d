// One patch of pods/resize. A failed `test` answers 422 as a validation error does, so after a no the pod is read once more:
// where the ground has moved the decision is made again, only a no on the same ground is a refusal.
import type { KubeClient, PatchAnswer } from '../kube/client.ts';
import type { PodRecord } from '../kube/records.ts';
import type { ResizeDecision, ResizeTarget } from './decide.ts';
import { isSameGround, resizePatch } from './patch.ts';

export type PatchResult =
  /** `reason` when the target is not the one that was asked for first; `readMs` as in PatchAnswer. */
  | {
      readonly kind: 'accepted';
      readonly pod: PodRecord;
      readonly readMs: number;
      readonly target: ResizeTarget;
      readonly reason?: string;
    }
  /** The pod, or this incarnation of it, is no more. */
  | { readonly kind: 'gone' }
  /** On the moved ground there is nothing to do. */
  | { readonly kind: 'not-needed'; readonly decision: Exclude<ResizeDecision, { action: 'resize' }> }
  | { readonly kind: 'refused' | 'error'; readonly reason: string };

/** Statuses that a changed pod explains as well as a refusal does. */
const READ_AGAIN = [404, 409, 422];

export async function patchOnce(
  kube: Pick<KubeClient, 'patchResize' | 'getPod'>,
  pod: PodRecord,
  target: ResizeTarget,
  decideAgain: (fresh: PodRecord) => ResizeDecision,
): Promise<PatchResult> {
  const first = await patch(kube, pod, target);
  if (first.kind !== 'refused' || !READ_AGAIN.includes(first.status)) return resultOf(first, target);
  const read = await kube.getPod(pod);
  if (read.kind === 'error') return { kind: 'error', reason: read.reason };
  if (read.kind === 'absent' || read.pod.uid !== pod.uid) return { kind: 'gone' };
  if (isSameGround(pod, read.pod, target)) return resultOf(first, target);
  const decision = decideAgain(read.pod);
  if (decision.action !== 'resize') return { kind: 'not-needed', decision };
  const second = resultOf(await patch(kube, read.pod, decision.target), decision.target);
  return second.kind === 'accepted' ? { ...second, reason: decision.reason } : second;
}

async function patch(
  kube: Pick<KubeClient, 'patchResize'>,
  pod: PodRecord,
  target: ResizeTarget,
): Promise<PatchAnswer> {
  const index = pod.containers.findIndex(({ name }) => name === target.container);
  return kube.patchResize(pod, resizePatch(pod, index, target));
}

function resultOf(answer: PatchAnswer, target: ResizeTarget): PatchResult {
  switch (answer.kind) {
    case 'accepted':
      return { kind: 'accepted', pod: answer.pod, readMs: answer.readMs, target };
    case 'error':
      return { kind: 'error', reason: answer.reason };
    case 'refused': {
      const causes = answer.causes.map(({ message }) => message).filter((message) => !answer.message.includes(message));
      return {
        kind: 'refused',
        reason: [`HTTP ${answer.status} ${answer.reason}: ${answer.message}`, ...causes].join('; '),
      };
    }
  }
}
