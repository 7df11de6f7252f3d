// autoscaling/v2 HorizontalPodAutoscaler → what can be said of its resource metrics: which of them show <unknown>, and what its
// controller says. Contract: kubectl prints status.currentMetrics[i] beside spec.metrics[i], <unknown> where there is no value.
import { arrayOf, objectOf, SHARED, WHOLE } from '../kube/json-shape.ts';
import type { WireObject } from '../kube/wire.ts';

/** What projectHpa reads. */
export const HPA_SHAPE = objectOf({
  metadata: objectOf({ uid: WHOLE, name: WHOLE, namespace: SHARED, resourceVersion: WHOLE }),
  spec: objectOf({ scaleTargetRef: WHOLE, metrics: SHARED }),
  status: objectOf({
    currentMetrics: WHOLE,
    conditions: arrayOf(objectOf({ type: SHARED, status: SHARED, message: WHOLE })),
  }),
});

export interface HpaRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly target: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  /** Metrics of type Resource and ContainerResource that show <unknown>. */
  readonly unknown: readonly HpaMetric[];
  /** Message of its condition ScalingActive or AbleToScale when that is False; else ''. */
  readonly complaint: string;
}

export interface HpaMetric {
  readonly resource: string;
  /** Of a ContainerResource metric; '': the pod as a whole. */
  readonly container: string;
  /** Percent of the request; else an average amount. */
  readonly isUtilization: boolean;
}

interface WireSource {
  readonly name?: string;
  readonly container?: string;
  readonly target?: { readonly type?: string };
  readonly current?: { readonly averageUtilization?: number | null; readonly averageValue?: string | null };
}

interface WireMetric {
  readonly type?: string;
  readonly resource?: WireSource | null;
  readonly containerResource?: WireSource | null;
}

interface WireHpa extends WireObject {
  readonly spec?: {
    readonly scaleTargetRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string };
    readonly metrics?: readonly (WireMetric | null)[] | null;
  };
  readonly status?: {
    readonly currentMetrics?: readonly (WireMetric | null)[] | null;
    readonly conditions?:
      readonly { readonly type?: string; readonly status?: string; readonly message?: string }[] | null;
  };
}

/** Total; undefined: no HPA. */
export function projectHpa(object: WireObject): HpaRecord | undefined {
  const { metadata, spec, status } = object as WireHpa;
  if (!metadata?.uid || !metadata.name || !metadata.namespace) return undefined;
  const { apiVersion = '', kind = '', name = '' } = spec?.scaleTargetRef ?? {};
  const metrics = (spec?.metrics ?? []).map((metric, at) => ({ metric, current: status?.currentMetrics?.[at] }));
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: metadata.name,
    target: { apiVersion, kind, name },
    unknown: metrics.flatMap(({ metric, current }) => unknownMetric(metric ?? {}, current ?? {}) ?? []),
    complaint: complaintOf(status?.conditions ?? []),
  };
}

function unknownMetric({ type, ...spec }: WireMetric, status: WireMetric): HpaMetric | undefined {
  const field = type === 'Resource' ? 'resource' : type === 'ContainerResource' ? 'containerResource' : undefined;
  const source = field && spec[field];
  if (field === undefined || !source) return undefined;
  const isUtilization = source.target?.type === 'Utilization';
  const { averageUtilization, averageValue } = status[field]?.current ?? {};
  const value = isUtilization ? averageUtilization : averageValue;
  if (value !== undefined && value !== null) return undefined;
  return { resource: source.name ?? '', container: source.container ?? '', isUtilization };
}

function complaintOf(conditions: NonNullable<NonNullable<WireHpa['status']>['conditions']>): string {
  for (const wanted of ['ScalingActive', 'AbleToScale']) {
    const found = conditions.find(({ type, status }) => type === wanted && status === 'False');
    if (found?.message) return found.message;
  }
  return '';
}
