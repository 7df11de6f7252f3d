// What kube-apiserver refuses of a write to pods/resize, text by text. Source: ValidatePodResize and the pod resize strategy
// of kubernetes 1.34+, the PodResizeValidator admission plugin.
import { parseQuantity } from '../../kube/quantity.ts';
import type { Container, Node, Pod, ResourceRequirements } from './objects.ts';
import { OBSERVED_ONLY } from './objects.ts';
import { sameValue } from './patch.ts';
import { amountOf, COMPUTE_RESOURCES, podRequest, qosClassOf } from './pod-resources.ts';
import type { FieldError, StatusCause } from './status.ts';

const ONLY_CPU_AND_MEMORY: FieldError = {
  field: 'spec',
  kind: 'Forbidden',
  detail: 'only cpu and memory resources are mutable',
};

/** Everything of the request but resources and resizePolicy of containers is reset to what is stored, silently, as the strategy does. */
export function keepResizeFields(old: Pod, given: Pod): Pod {
  const containers = keepOf(old.spec.containers, given.spec?.containers);
  const initContainers = old.spec.initContainers && keepOf(old.spec.initContainers, given.spec?.initContainers);
  return { ...old, spec: { ...old.spec, containers, ...(initContainers ? { initContainers } : {}) } };
}

/** Names as given: validation says what is wrong with them. */
function keepOf(old: readonly Container[], given: readonly Container[] | undefined): readonly Container[] {
  if (!Array.isArray(given)) return [];
  if (given.length !== old.length) return given as readonly Container[];
  return old.map((container, at) => {
    const { name, resources, resizePolicy } = (given[at] ?? {}) as Container;
    // Resources that are left out are resources taken away, unless there were none.
    const changed = resources ?? (container.resources ? {} : undefined);
    return {
      ...container,
      name,
      ...(changed ? { resources: changed } : {}),
      ...(resizePolicy ? { resizePolicy } : {}),
    };
  });
}

/** @returns what is wrong; empty: the resize is valid */
export function resizeErrors(old: Pod, next: Pod): readonly FieldError[] {
  const refused = refusedPod(old);
  if (refused) return [refused];
  const malformed = [...quantityErrors('containers', next.spec.containers)];
  if (malformed.length > 0) return malformed;
  const errors = [
    ...containerErrors('containers', old.spec.containers, next.spec.containers),
    ...containerErrors('initContainers', old.spec.initContainers ?? [], next.spec.initContainers ?? []),
  ];
  const qosClass = old.status.qosClass ?? qosClassOf(old.spec);
  if (qosClassOf(next.spec) !== qosClass) {
    errors.push({
      field: 'spec',
      kind: 'Invalid value',
      value: qosClass,
      detail: 'Pod QOS Class may not change as a result of resizing',
    });
  }
  return errors;
}

function forbidden(detail: string): FieldError {
  return { field: 'spec', kind: 'Forbidden', detail };
}

function refusedPod(pod: Pod): FieldError | undefined {
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    return forbidden('static pods cannot be resized');
  }
  if (pod.spec.os?.name === 'windows') return forbidden('windows pods cannot be resized');
  const running = (pod.status.containerStatuses ?? []).filter(({ state }) => state.running);
  if (running.some(({ resources }) => !resources)) {
    const observed = pod.metadata.annotations?.[OBSERVED_ONLY] === 'true';
    return forbidden(
      `Pod running on node without support for resize${observed ? ': it is only observed, its cgroups belong to someone else and are never written' : ''}`,
    );
  }
  return undefined;
}

function* quantityErrors(list: string, containers: readonly Container[]): Generator<FieldError> {
  for (const [at, { resources }] of containers.entries()) {
    for (const kind of ['requests', 'limits'] as const) {
      for (const [resource, text] of Object.entries(resources?.[kind] ?? {})) {
        const parsed = typeof text === 'string' ? parseQuantity(text) : { kind: 'malformed' as const };
        const field = `spec.${list}[${at}].resources.${kind}[${resource}]`;
        if (parsed.kind === 'malformed') {
          yield {
            field,
            kind: 'Invalid value',
            value: text,
            detail: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
          };
        } else if (parsed.nanos < 0n) {
          yield { field, kind: 'Invalid value', value: text, detail: 'must be greater than or equal to 0' };
        }
      }
    }
  }
}

function containerErrors(list: string, old: readonly Container[], next: readonly Container[]): FieldError[] {
  if (old.length !== next.length) {
    return [{ field: `spec.${list}`, kind: 'Forbidden', detail: 'containers may not be added or removed on resize' }];
  }
  return old.flatMap((container, at) => {
    const field = `spec.${list}[${at}]`;
    const changed = next[at]!;
    if (container.name !== changed.name) {
      return [
        {
          field: `${field}.name`,
          kind: 'Forbidden',
          detail: 'containers may not be renamed or reordered on resize',
        } satisfies FieldError,
      ];
    }
    if (!sameValue(withoutCpuAndMemory(container), withoutCpuAndMemory(changed))) return [ONLY_CPU_AND_MEMORY];
    return [...requirementErrors(`${field}.resources`, container.resources ?? {}, changed.resources ?? {})];
  });
}

function* requirementErrors(
  field: string,
  old: ResourceRequirements,
  next: ResourceRequirements,
): Generator<FieldError> {
  for (const [kind, noun] of [
    ['requests', 'requests'],
    ['limits', 'limits'],
  ] as const) {
    const removed = COMPUTE_RESOURCES.some(
      (resource) => old[kind]?.[resource] !== undefined && next[kind]?.[resource] === undefined,
    );
    if (removed) yield { field: `${field}.${kind}`, kind: 'Forbidden', detail: `resource ${noun} cannot be removed` };
  }
  for (const resource of COMPUTE_RESOURCES) {
    const request = amountOf(next.requests, resource);
    const limit = amountOf(next.limits, resource);
    if (request !== undefined && limit !== undefined && request > limit) {
      yield {
        field: `${field}.requests`,
        kind: 'Invalid value',
        value: next.requests![resource]!,
        detail: `must be less than or equal to ${resource} limit of ${next.limits![resource]!}`,
      };
    }
  }
}

function others(quantities: Readonly<Record<string, string>> = {}): unknown {
  return Object.fromEntries(Object.entries(quantities).filter(([name]) => name !== 'cpu' && name !== 'memory'));
}

function withoutCpuAndMemory({ resources = {}, ...rest }: Container): unknown {
  return {
    ...rest,
    resources: {
      claims: resources.claims ?? [],
      requests: others(resources.requests),
      limits: others(resources.limits),
    },
  };
}

/** The admission plugin's check: this pod's requests alone against what the node can ever give. */
export function nodeCapacityRefusal(
  next: Pod,
  node: Node | undefined,
): { why: string; cause: StatusCause } | undefined {
  if (!node) return undefined;
  const over = COMPUTE_RESOURCES.flatMap((resource) => {
    const requested = podRequest(next.spec.containers, resource);
    const allocatable = amountOf(node.status.allocatable, resource) ?? 0;
    return requested > allocatable ? [`${resource}, requested: ${requested}, allocatable: ${allocatable}`] : [];
  });
  if (over.length === 0) return undefined;
  const why = `node didn't have enough allocatable resources: ${over.join('; ')}`;
  return { why, cause: { reason: 'NodeCapacity', message: why } };
}
