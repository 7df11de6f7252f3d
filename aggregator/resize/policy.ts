// What a pod's annotations grant: `headroom.dev/resize: "true"`, `headroom.dev/max-memory`, `headroom.dev/max-cpu`, each
// maximum also per container (`headroom.dev/max-memory.<container>`, which goes first), `headroom.dev/allow-restart: "true"`.
import type { ShortageResource } from '../../agent/protocol/shortage.ts';
import type { PodRecord } from '../kube/records.ts';
import { parseAmount } from './resource.ts';

export type Policy =
  | {
      readonly kind: 'granted';
      /** Bytes or millicores, whole, rounded down. */
      readonly max: number;
      /** The annotation that gave it. */
      readonly maxFrom: string;
      readonly allowRestart: boolean;
    }
  | { readonly kind: 'not-asked' }
  | { readonly kind: 'no-maximum' | 'malformed-maximum'; readonly reason: string };

const RESIZE_ANNOTATION = 'headroom.dev/resize';
const ALLOW_RESTART = 'headroom.dev/allow-restart';

/** The annotations that a resize of the container leans on, as they stand: its patch tests them. */
export function grantOf(
  pod: PodRecord,
  container: string,
  resource: ShortageResource,
): readonly (readonly [key: string, value: string])[] {
  const { annotations } = pod;
  return [RESIZE_ANNOTATION, maximumKey(pod, container, resource), ALLOW_RESTART].flatMap((key) => {
    const value = annotations[key];
    return value === undefined ? [] : [[key, value] as const];
  });
}

export function readPolicy(pod: PodRecord, container: string, resource: ShortageResource): Policy {
  const { annotations } = pod;
  if (annotations[RESIZE_ANNOTATION] !== 'true') return { kind: 'not-asked' };
  const maxFrom = maximumKey(pod, container, resource);
  const text = annotations[maxFrom];
  if (text === undefined) return { kind: 'no-maximum', reason: `the pod has no annotation ${maxFrom}` };
  const max = parseAmount(resource, text.trim());
  if (max === 'malformed' || max <= 0) {
    return {
      kind: 'malformed-maximum',
      reason: `annotation ${maxFrom}: ${JSON.stringify(text)} is no positive quantity`,
    };
  }
  return { kind: 'granted', max: Math.floor(max), maxFrom, allowRestart: annotations[ALLOW_RESTART] === 'true' };
}

function maximumKey({ annotations }: PodRecord, container: string, resource: ShortageResource): string {
  const forPod = `headroom.dev/max-${resource}`;
  const forContainer = `${forPod}.${container}`;
  return annotations[forContainer] === undefined ? forPod : forContainer;
}
