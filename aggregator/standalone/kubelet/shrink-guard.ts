// A memory limit is not lowered to or under what is in use, page cache included. Source: kubelet validateMemoryResizeAction.
import type { Step } from './resize-steps.ts';

/**
 * @param usageBytes of '' (the pod) or a container; undefined: unreadable
 * @returns why nothing of the resize may be done, undefined: go on
 */
export function shrinkRefusal(
  steps: readonly Step[],
  podName: string,
  usageBytes: (container: string) => number | undefined,
): string | undefined {
  for (const { container, knob, from, to } of steps) {
    if (knob !== 'memory.limit' || to === undefined || to >= (from ?? Infinity)) continue;
    const usage = usageBytes(container);
    if (usage === undefined) {
      return container === ''
        ? `unable to read memory usage for pod "${podName}"`
        : `missing container "${container}" memory usage`;
    }
    if (usage >= to) {
      const what = container === '' ? 'pod' : `container "${container}"`;
      return `cannot decrease memory limits: attempting to set ${what} memory limit (${to}) below current usage (${usage})`;
    }
  }
  return undefined;
}
